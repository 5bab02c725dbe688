// The folder with certificates, watched: which pairs there are, what is wrong with each, and what is served for it. Uses
// none of them itself.
import { type FSWatcher, watch } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { ProxyFailure } from '../failure.ts';
import type { Certificate } from './certificate.ts';
import { assignNames } from './certificate-names.ts';
import { type CertificateNews, describePair, type Pair, readTexts, renewPair } from './certificate-pair.ts';

/** A renewal writes several files: look when it has been quiet for so long. */
const SETTLE_MS = 250;
/** For what is told by no event: links that lead elsewhere, file systems without any, time that passes. */
const LOOK_MS = 60_000;

export interface CertificateState {
  readonly file: string;
  /** Of the files as they are; what was loaded before may be served all the same. */
  readonly isBad: boolean;
  /** When what is served expires: milliseconds since the epoch. Null when nothing is. */
  readonly expiresAt: number | null;
}

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
    this.#watch();
    this.#looking = this.#look();
    await this.#looking;
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
      const texts = files.includes(file) ? await readTexts(this.#path, file) : null;
      const pair = renewPair(file, this.#pairs.get(file) ?? null, texts, performance.now());
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

function listServed(pairs: ReadonlyMap<string, Pair>): readonly Certificate[] {
  return [...pairs.values()].flatMap(({ served }) => served ?? []);
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
