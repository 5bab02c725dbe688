// The folder of certificates as people and renewals change it: nothing that is bad, or half there, takes away what served.
import {
  chmodSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Certificate } from '../../../proxy/tls/certificate.ts';
import { CertificateFolder } from '../../../proxy/tls/certificate-folder.ts';
import type { CertificateNews } from '../../../proxy/tls/certificate-pair.ts';
import { issueForHosts } from '../../support/certificates.ts';
import { until } from '../rig.ts';

/** Made once: two for the same host, one for another, one that has expired. */
let stock: string;
let folder: string;
let watched: CertificateFolder;
let served: readonly Certificate[];
let news: CertificateNews[];

beforeAll(async () => {
  stock = mkdtempSync(join(tmpdir(), 'slipway-stock-'));
  await issueForHosts(stock, 'shop-1', { hosts: ['shop.test'] });
  await issueForHosts(stock, 'shop-2', { hosts: ['shop.test'], days: 9 });
  await issueForHosts(stock, 'other', { hosts: ['other.test'] });
  await issueForHosts(stock, 'old', { hosts: ['old.test'], days: -1 });
  return () => rmSync(stock, { recursive: true });
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-folder-'));
  [served, news] = [[], []];
  watched = new CertificateFolder(folder, {
    onChange: (certificates) => {
      served = certificates;
    },
    onNews: (each) => news.push(each),
  });
});
afterEach(async () => {
  await watched.close();
  rmSync(folder, { recursive: true, force: true });
});

function put(from: string, to: string, ...endings: readonly ('crt' | 'key')[]): void {
  for (const ending of endings) {
    copyFileSync(join(stock, `${from}.${ending}`), join(folder, '.new'));
    renameSync(join(folder, '.new'), join(folder, `${to}.${ending}`));
  }
}

const textOf = (file: string) => readFileSync(join(stock, `${file}.crt`), 'utf8');
const servedFor = (file: string) => served.find((each) => each.file === file)?.cert;
const told = (level: CertificateNews['level'], part: string) =>
  news.filter((each) => each.level === level && each.message.includes(part)).length;
const stateOf = (file: string) => watched.states().find((each) => each.file === file);

describe('at the start', () => {
  it.each([
    ['a folder that is not there', 'nowhere', /there is no such folder; make it, or correct .*--tls-dir/],
    ['a file in its place', 'file', /it is no folder/],
    ['an empty folder', '.', /holds no certificate: put NAME.crt and NAME.key into it/],
  ])('%s is an error that says what to do', async (_, path, message) => {
    writeFileSync(join(folder, 'file'), '');
    const starting = new CertificateFolder(join(folder, path), {
      onChange: () => undefined,
      onNews: () => undefined,
    }).start();
    await expect(starting).rejects.toMatchObject({ code: 'tls-dir-invalid', disposition: 'invalid' });
    await expect(starting).rejects.toThrow(message);
    await expect(starting).rejects.toThrow(join(folder, path));
  });

  it('what is bad is bad alone, and told with its file', async () => {
    put('shop-1', 'shop', 'crt', 'key');
    put('other', 'mixed', 'crt');
    put('shop-1', 'mixed', 'key');
    put('other', 'lonely', 'key');
    symlinkSync('nowhere', join(folder, 'dangling.crt'));
    put('old', 'old', 'crt', 'key');
    writeFileSync(join(folder, 'notes.txt'), 'no certificate');
    await watched.start();
    expect(served.map(({ file }) => file)).toEqual(['old', 'shop']);
    expect(stateOf('mixed')).toEqual({ file: 'mixed', isBad: true, expiresAt: null });
    expect(stateOf('shop')).toMatchObject({ isBad: false, expiresAt: expect.any(Number) });
    expect(told('error', 'mixed: the key is not that of the certificate; its hosts have no')).toBe(1);
    expect(told('error', 'lonely: there is no .crt')).toBe(1);
    expect(told('error', 'dangling: neither file can be read')).toBe(1);
    expect(told('warn', 'old: the certificate has expired')).toBe(1);
    expect(told('info', 'shop: loaded for shop.test')).toBe(1);
    expect(watched.trouble()).toMatch(/dangling: .* lonely: .* mixed: .* old: /);
    expect(watched.trouble()).not.toContain('shop: loaded');
  });

  it('a key that every user can read is warned of, and used', async () => {
    put('shop-1', 'shop', 'crt', 'key');
    chmodSync(join(folder, 'shop.key'), 0o644);
    await watched.start();
    expect(told('warn', 'shop.key can be read by every user')).toBe(1);
    expect(servedFor('shop')).toBe(textOf('shop-1'));
  });

  it('two for one name are told', async () => {
    put('shop-1', 'a', 'crt', 'key');
    put('shop-2', 'b', 'crt', 'key');
    await watched.start();
    expect(told('warn', 'b and a both name shop.test')).toBe(1);
  });

  it('nothing is wrong where nothing is', async () => {
    put('shop-1', 'shop', 'crt', 'key');
    await watched.start();
    expect(watched.trouble()).toBeNull();
    expect(news.map(({ level }) => level)).toEqual(['info']);
  });
});

describe('while it is watched', () => {
  beforeEach(async () => {
    put('shop-1', 'shop', 'crt', 'key');
    put('other', 'other', 'crt', 'key');
    await watched.start();
  });

  it('a renewal by renaming is taken up', async () => {
    put('shop-2', 'shop', 'crt', 'key');
    await until(() => servedFor('shop') === textOf('shop-2'), 'the new one is served');
    expect(stateOf('shop')).toMatchObject({ isBad: false });
    expect(watched.trouble()).toBeNull();
  });

  it.each([
    ['certificate first', ['crt', 'key']],
    ['key first', ['key', 'crt']],
  ] as const)('a renewal in two steps, %s, serves the former until it is whole', async (_, [one, two]) => {
    put('shop-2', 'shop', one);
    await until(() => told('error', 'shop: the key is not that') === 1, 'the half is told');
    expect(told('error', 'what was loaded before is served')).toBe(1);
    expect(servedFor('shop')).toBe(textOf('shop-1'));
    put('shop-2', 'shop', two);
    await until(() => servedFor('shop') === textOf('shop-2'), 'the new one is served');
    expect(watched.trouble()).toBeNull();
  });

  it('a file that is cut off, or emptied, changes nothing for its host, nor for others', async () => {
    writeFileSync(join(folder, 'shop.crt'), textOf('shop-2').slice(0, 200));
    await until(() => told('error', 'shop: the .crt is no certificate') === 1, 'it is told');
    writeFileSync(join(folder, 'shop.key'), '');
    await until(() => stateOf('shop')?.isBad === true, 'it is bad');
    expect([servedFor('shop'), servedFor('other')]).toEqual([textOf('shop-1'), textOf('other')]);
    put('shop-2', 'shop', 'key', 'crt');
    await until(() => servedFor('shop') === textOf('shop-2'), 'the new one is served');
  });

  it('a pair that is taken away is served on for a while', async () => {
    for (const ending of ['crt', 'key']) rmSync(join(folder, `shop.${ending}`));
    await until(() => told('error', 'shop: its files are gone; what was loaded before') === 1, 'it is told');
    expect(servedFor('shop')).toBe(textOf('shop-1'));
  });

  it('a folder that is taken away changes nothing', async () => {
    renameSync(folder, `${folder}-moved`);
    try {
      writeFileSync(join(`${folder}-moved`, 'x.crt'), '');
      await until(() => told('warn', 'there is no such folder; what was loaded before') === 1, 'it is told');
      expect(served).toHaveLength(2);
    } finally {
      renameSync(`${folder}-moved`, folder);
    }
  });

  it('another pair is taken up', async () => {
    put('old', 'late', 'crt', 'key');
    await until(() => servedFor('late') !== undefined, 'it is served');
    expect(served).toHaveLength(3);
  });
});
