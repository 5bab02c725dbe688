// The two files of one certificate as they are now, and what is served for them. Knows nothing of other pairs.
//
// INVARIANTS
// - What was loaded before is kept while the files are bad.
// - A pair that is gone is dropped only when it is still gone a while later: a renewal may take it away first.
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Certificate, readCertificate } from './certificate.ts';

const GONE_MS = 10_000;
const READABLE_BY_OTHERS = 0o004;

export interface CertificateNews {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
}

export interface Pair {
  readonly file: string;
  readonly cert: string | null;
  readonly key: string | null;
  /** Null when it can be used. */
  readonly problem: string | null;
  readonly isExposed: boolean;
  readonly served: Certificate | null;
  /** By the monotonic clock. */
  readonly goneSince: number | null;
}

export type Texts = Pick<Pair, 'cert' | 'key' | 'isExposed'>;

/** `texts` null: there is neither file any more. `now` by the monotonic clock. Null when the pair is to be forgotten. */
export function renewPair(file: string, before: Pair | null, texts: Texts | null, now: number): Pair | null {
  if (texts === null) return before === null ? null : markGone(before, now);
  const isSame = before !== null && before.cert === texts.cert && before.key === texts.key;
  if (isSame) return { ...before, ...texts, goneSince: null };
  const served = before?.served ?? null;
  const fail = (problem: string): Pair => ({ file, ...texts, problem, served, goneSince: null });
  if (texts.cert === null && texts.key === null) return fail('neither file can be read');
  if (texts.cert === null) return fail('there is no .crt beside the .key that can be read');
  if (texts.key === null) return fail('there is no .key beside the .crt that can be read');
  const read = readCertificate(file, texts.cert, texts.key);
  if (!read.ok) return fail(read.problem);
  return { file, ...texts, problem: null, served: read.certificate, goneSince: null };
}

function markGone(before: Pair, now: number): Pair | null {
  if (before.goneSince !== null && now - before.goneSince >= GONE_MS) return null;
  return {
    ...before,
    cert: null,
    key: null,
    problem: 'its files are gone',
    goneSince: before.goneSince ?? now,
  };
}

export async function readTexts(folder: string, file: string): Promise<Texts> {
  const keyPath = join(folder, `${file}.key`);
  const [cert, key] = [await readOrNull(join(folder, `${file}.crt`)), await readOrNull(keyPath)];
  return { cert, key, isExposed: key !== null && ((await readMode(keyPath)) & READABLE_BY_OTHERS) !== 0 };
}

async function readOrNull(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    // Not there, or not for us to read: what that means the caller says, of the pair.
    return null;
  }
}

async function readMode(path: string): Promise<number> {
  try {
    return (await stat(path)).mode;
  } catch {
    // Replaced just now: another look follows.
    return 0;
  }
}

/** `info`: what is well. */
export function describePair({ file, problem, isExposed, served }: Pair): readonly CertificateNews[] {
  const news: CertificateNews[] = [];
  const add = (level: CertificateNews['level'], message: string): unknown => news.push({ level, message });
  if (problem !== null) {
    const rest = served === null ? 'its hosts have no certificate' : 'what was loaded before is served';
    add('error', `${file}: ${problem}; ${rest}.`);
  }
  if (isExposed) add('warn', `${file}.key can be read by every user of this machine: chmod o-r it.`);
  if (served === null) return news;
  const [from, to] = [served.validFrom, served.validTo].map((at) => new Date(at).toISOString());
  const now = Date.now();
  if (served.validTo <= now) add('warn', `${file}: the certificate has expired at ${to}; renew it.`);
  else if (served.validFrom > now) add('warn', `${file}: the certificate is valid from ${from} on only.`);
  add('info', `${file}: loaded for ${served.names.join(', ') || 'no name'}, valid until ${to}.`);
  return news;
}
