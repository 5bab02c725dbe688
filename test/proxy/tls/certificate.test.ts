// What is read of a pair of certificate and key, from files that openssl made, and every way in which they can be bad.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCertificate } from '../../../proxy/tls/certificate.ts';
import { issueForHosts } from '../../support/certificates.ts';

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-certificate-'));
  await issueForHosts(folder, 'shop', { hosts: ['Shop.test', '*.shop.test', 'shop.test'] });
  await issueForHosts(folder, 'other', { hosts: ['other.test'] });
  await issueForHosts(folder, 'old', { hosts: ['old.test'], days: -1 });
  await issueForHosts(folder, 'bare', { hosts: [] });
});
afterAll(() => rmSync(folder, { recursive: true }));

const text = (file: string) => readFileSync(join(folder, file), 'utf8');
const halfOf = (file: string) => text(file).slice(0, text(file).length / 2);

function lock(): string {
  const out = ['-aes128', '-passout', 'pass:secret'];
  return execFileSync('openssl', ['ec', '-in', join(folder, 'shop.key'), ...out], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

describe('a pair of certificate and key', () => {
  it('is for the hosts of its subjectAltName, each once and in lower case', () => {
    const read = readCertificate('shop', text('shop.crt'), text('shop.key'));
    const day = 86_400_000;
    expect(read).toMatchObject({ ok: true, certificate: { names: ['shop.test', '*.shop.test'] } });
    if (!read.ok) return;
    expect(read.certificate.validTo - read.certificate.validFrom).toBe(2 * day);
  });

  it('may bring a chain', () => {
    const chain = text('shop.crt') + text('other.crt');
    expect(readCertificate('shop', chain, text('shop.key'))).toMatchObject({ ok: true });
  });

  it('that has expired can be used', () => {
    const read = readCertificate('old', text('old.crt'), text('old.key'));
    expect(read).toMatchObject({ ok: true, certificate: { names: ['old.test'] } });
    expect(read.ok && read.certificate.validTo < Date.now()).toBe(true);
  });

  it('needs no name when it is the default one', () => {
    const read = readCertificate('default', text('bare.crt'), text('bare.key'));
    expect(read).toMatchObject({ ok: true, certificate: { names: [] } });
  });

  const bad: readonly (readonly [string, () => string, () => string, string])[] = [
    ['without a name', () => text('bare.crt'), () => text('bare.key'), 'names no host'],
    ['with the key of another', () => text('shop.crt'), () => text('other.key'), 'not that of the'],
    ['cut off in the certificate', () => halfOf('shop.crt'), () => text('shop.key'), '.crt is no'],
    ['cut off in the key', () => text('shop.crt'), () => halfOf('shop.key'), '.key is no'],
    ['with an empty certificate', () => '', () => text('shop.key'), '.crt is no'],
    ['with an empty key', () => text('shop.crt'), () => '', '.key is no'],
    ['with a locked key', () => text('shop.crt'), lock, 'has a passphrase'],
    ['the wrong way round', () => text('shop.key'), () => text('shop.crt'), '.crt is no'],
    [
      'with a chain that is cut off',
      () => text('shop.crt') + halfOf('other.crt'),
      () => text('shop.key'),
      'cannot be used (ERR_',
    ],
  ];
  it.each(bad)('%s is refused, and says nothing of the key', (_, cert, key, problem) => {
    const read = readCertificate('shop', cert(), key());
    expect(read).toEqual({ ok: false, problem: expect.stringContaining(problem) });
    const lines = text('shop.key')
      .split('\n')
      .filter((line) => line.length > 10 && !line.startsWith('-'));
    expect(lines.length).toBeGreaterThan(1);
    for (const line of lines) expect(JSON.stringify(read)).not.toContain(line);
  });
});
