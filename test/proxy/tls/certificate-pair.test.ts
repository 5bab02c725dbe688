// What is served for two files that change: the last good certificate, until the files have been gone for a while.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  describePair,
  type Pair,
  readTexts,
  renewPair,
  type Texts,
} from '../../../proxy/tls/certificate-pair.ts';
import { issueForHosts } from '../../support/certificates.ts';

let whole: Texts;
let other: Texts;
let loaded: Pair;

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-pair-'));
  for (const name of ['a', 'b']) await issueForHosts(folder, name, { hosts: [`${name}.test`] });
  [whole, other] = [await readTexts(folder, 'a'), await readTexts(folder, 'b')];
  rmSync(folder, { recursive: true });
  loaded = renew(null, whole, 0) ?? never();
});

const renew = (before: Pair | null, texts: Texts | null, now: number) => renewPair('a', before, texts, now);

function never(): never {
  throw new Error('The pair was forgotten.');
}

describe('a pair whose files are gone', () => {
  it('is served for 10 s, and then forgotten', () => {
    const gone = renew(loaded, null, 1_000) ?? never();
    expect(gone).toMatchObject({ problem: 'its files are gone', served: { names: ['a.test'] } });
    const still = renew(gone, null, 10_999) ?? never();
    expect(still.served).toBe(loaded.served);
    expect(renew(still, null, 11_000)).toBeNull();
  });

  it('and come back as they were is well again, and has 10 s again', () => {
    const gone = renew(loaded, null, 1_000) ?? never();
    const back = renew(gone, whole, 9_000) ?? never();
    expect(back).toMatchObject({ problem: null, goneSince: null });
    expect(renew(renew(back, null, 10_000), null, 19_000)).not.toBeNull();
  });

  it('and was never there is none', () => {
    expect(renew(null, null, 0)).toBeNull();
  });
});

describe('a pair that cannot be read', () => {
  const none: Texts = { cert: null, key: null, isExposed: false };
  it.each([
    ['in neither file', () => none, 'neither file can be read'],
    [
      'in its certificate',
      () => ({ ...whole, cert: null }),
      'there is no .crt beside the .key that can be read',
    ],
    ['in its key', () => ({ ...whole, key: null }), 'there is no .key beside the .crt that can be read'],
    ['together', () => ({ ...whole, key: other.key }), 'the key is not that of the certificate'],
  ])('%s is told, and what was loaded is served', (_, texts, problem) => {
    const pair = renew(loaded, texts(), 1) ?? never();
    expect(pair).toMatchObject({ problem, served: loaded.served });
    expect(describePair(pair)[0]).toEqual({
      level: 'error',
      message: `a: ${problem}; what was loaded before is served.`,
    });
    const first = renew(null, texts(), 1) ?? never();
    expect(describePair(first)).toEqual([
      { level: 'error', message: `a: ${problem}; its hosts have no certificate.` },
    ]);
  });
});

it('a pair that has not changed is the same certificate', () => {
  expect(renew(loaded, { ...whole }, 1)?.served).toBe(loaded.served);
  expect(renew(loaded, other, 1)?.served).not.toBe(loaded.served);
});
