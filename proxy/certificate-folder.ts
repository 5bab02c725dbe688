// The folder with certificates, watched: which pairs there are, what is wrong with each, and what is served for it. Uses
// none of them itself.
//
// INVARIANTS
// - A pair that is bad is bad alone. What was loaded under its name before is kept.
// - A pair that is gone is dropped only when it is still gone a while later: a renewal may take it away first.
import { type FSWatcher, watch } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Certificate, readCertificate } from './certificate.ts';
import { assignNames } from './certificate-names.ts';
import { ProxyFailure } from './failure.ts';

/** A renewal writes several files: look when it has been quiet for so long. */
const SETTLE_MS = 250;
/** For what is told by no event: links that lead elsewhere, file systems without any, time that passes. */
const LOOK_MS = 60_000;
const GONE_MS = 10_000;
const READABLE_BY_OTHERS = 0o004;

export interface CertificateNews {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
}

export interface CertificateState {
  readonly file: string;
  /** Of the files as they are; what was loaded before may be served all the same. */
  readonly isBad: boolean;
  /** When what is served expires: milliseconds since the epoch. Null when nothing is. */
  readonly expiresAt: number | null;
}

interface Pair {
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

type Texts = Pick<Pair, 'cert' | 'key' | 'isExposed'>;

export interface FolderEvents {
  /** All that are to be served from now on. */
  readonly onChange: (certificates: readonly Certificate[]) => void;
  readonly onNews: (news: CertificateNews) => void;
}

export class CertificateFolder {
  readonly #path: string;
  readonly #events: FolderEvents;
  #pairs: ReadonlyMap<string, Pair> = new Map();
  /** Why the folder could not be read; null when it was. */
  #unread: string | null = null;
  #told: ReadonlySet<string> = new Set();
  #watcher: FSWatcher | null = null;
  #settling: NodeJS.Timeout | null = null;
  #ticking: NodeJS.Timeout | null = null;
  #looking: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(path: string, events: FolderEvents) {
    this.#path = path;
    this.#events = events;
  }

  /** Throws when there is no such folder, or nothing in it. */
  async start(): Promise<void> {
    const files = await this.#list();
    if (typeof files === 'string')
      throw refuse(`${this.#path}: ${files}; make it, or correct the path of --tls-dir.`);
    if (files.length === 0)
      throw refuse(`${this.#path} holds no certificate: put NAME.crt and NAME.key into it, both in PEM.`);
    await this.#look();
    this.#watch();
    this.#ticking = setInterval(() => {
      this.#watch();
      this.#lookSoon(0);
    }, LOOK_MS).unref();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#watcher?.close();
    if (this.#settling !== null) clearTimeout(this.#settling);
    if (this.#ticking !== null) clearInterval(this.#ticking);
    await this.#looking;
  }

  states(): readonly CertificateState[] {
    return [...this.#pairs.values()].map(({ file, problem, served }) => ({
      file,
      isBad: problem !== null,
      expiresAt: served?.validTo ?? null,
    }));
  }

  /** What somebody should look after; null when all is well. */
  trouble(): string | null {
    const found = this.#describe().filter(({ level }) => level !== 'info');
    return found.length === 0 ? null : found.map(({ message }) => message).join(' ');
  }

  /** Anew each time: the folder may be another one by now, of the same name. */
  #watch(): void {
    this.#watcher?.close();
    this.#watcher = null;
    try {
      this.#watcher = watch(this.#path, () => this.#lookSoon(SETTLE_MS));
      // It is made again with the next look, and that look says what is wrong with the folder.
      this.#watcher.on('error', () => this.#watcher?.close());
    } catch {
      this.#watcher = null;
    }
  }

  #lookSoon(ms: number): void {
    if (this.#isClosed) return;
    if (this.#settling !== null) clearTimeout(this.#settling);
    this.#settling = setTimeout(() => {
      this.#looking = this.#looking.then(() => this.#look());
    }, ms);
  }

  async #look(): Promise<void> {
    const files = await this.#list();
    this.#unread = typeof files === 'string' ? files : null;
    if (typeof files !== 'string') await this.#readAll(files);
    if (!this.#isClosed) this.#tell();
  }

  async #readAll(files: readonly string[]): Promise<void> {
    const pairs = new Map<string, Pair>();
    for (const file of new Set([...this.#pairs.keys(), ...files])) {
      const pair = renew(file, this.#pairs.get(file) ?? null, await readTexts(this.#path, file));
      if (pair !== null) pairs.set(file, pair);
    }
    const before = listServed(this.#pairs);
    this.#pairs = pairs;
    const after = listServed(pairs);
    const isSame = after.length === before.length && after.every((each, index) => each === before[index]);
    if (!isSame && !this.#isClosed) this.#events.onChange(after);
  }

  /** Names of pairs, sorted, or why there are none to be had. */
  async #list(): Promise<readonly string[] | string> {
    try {
      const found = (await readdir(this.#path)).filter((name) => /^[^.].*\.(crt|key)$/.test(name));
      return [...new Set(found.map((name) => name.slice(0, -4)))].sort();
    } catch (error) {
      return describeRead(error);
    }
  }

  /** Each once, for as long as it holds. */
  #tell(): void {
    const news = this.#describe();
    for (const each of news) if (!this.#told.has(each.message)) this.#events.onNews(each);
    this.#told = new Set(news.map(({ message }) => message));
  }

  #describe(): readonly CertificateNews[] {
    const warn = (message: string): CertificateNews => ({ level: 'warn', message });
    const unread =
      this.#unread === null
        ? []
        : [warn(`${this.#path}: ${this.#unread}; what was loaded before is served.`)];
    const { disputes } = assignNames(listServed(this.#pairs));
    return [...unread, ...[...this.#pairs.values()].flatMap(describePair), ...disputes.map(warn)];
  }
}

/** Null when it is no more. */
function renew(file: string, before: Pair | null, texts: Texts): Pair | null {
  if (texts.cert === null && texts.key === null) return before === null ? null : markGone(before);
  const isSame = before !== null && before.cert === texts.cert && before.key === texts.key;
  if (isSame) return { ...before, ...texts, goneSince: null };
  const served = before?.served ?? null;
  const fail = (problem: string): Pair => ({ file, ...texts, problem, served, goneSince: null });
  if (texts.cert === null) return fail('there is no .crt beside the .key that can be read');
  if (texts.key === null) return fail('there is no .key beside the .crt that can be read');
  const read = readCertificate(file, texts.cert, texts.key);
  if (!read.ok) return fail(read.problem);
  return { file, ...texts, problem: null, served: read.certificate, goneSince: null };
}

function markGone(before: Pair): Pair | null {
  const now = performance.now();
  if (before.goneSince !== null && now - before.goneSince >= GONE_MS) return null;
  return {
    ...before,
    cert: null,
    key: null,
    problem: 'its files are gone',
    goneSince: before.goneSince ?? now,
  };
}

async function readTexts(folder: string, file: string): Promise<Texts> {
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

function listServed(pairs: ReadonlyMap<string, Pair>): readonly Certificate[] {
  return [...pairs.values()].flatMap(({ served }) => served ?? []);
}

function describePair({ file, problem, isExposed, served }: Pair): readonly CertificateNews[] {
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

function describeRead(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  if (code === 'ENOENT') return 'there is no such folder';
  if (code === 'ENOTDIR') return 'it is no folder';
  return code === 'EACCES' ? 'this user may not read it' : `it cannot be read (${String(code)})`;
}

function refuse(message: string): ProxyFailure {
  return new ProxyFailure('tls-dir-invalid', message);
}
