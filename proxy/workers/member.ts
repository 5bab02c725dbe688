// One worker as the primary sees it: what it was told, what it has answered, whether it still lives. Decides nothing
// about the others.
import type { Worker } from 'node:cluster';
import type { Socket } from 'node:net';
import type { AccessRecord } from '../access.ts';
import type { Patience } from '../clients/listener.ts';
import type { Acknowledgement, TableUpdate } from '../control.ts';
import type { ProxyStats } from '../counters.ts';
import type { Certificate } from '../tls/certificate.ts';
import { type FromWorker, isFromWorker, type ToWorker } from './messages.ts';

/** A worker that does not answer for so long is stuck: it is killed, and replaced. */
const ANSWER_MS = 10_000;
/** Entries of a table in one message: it reads them in one go, and requests wait meanwhile. */
const AT_ONCE = 100;

export interface MemberEvents {
  readonly onChange: () => void;
  /** It can take another connection. */
  readonly onFree: () => void;
  /** It has a connection that somebody before us says is this address's: false if that may have no more. */
  readonly onNamed: (address: string) => boolean;
  /** A connection of this address has ended. */
  readonly onLeft: (address: string) => void;
  readonly onProblem: (problem: string) => void;
  readonly onAccess: (record: AccessRecord) => void;
  readonly onExit: (member: Member) => void;
}

type Start = Extract<ToWorker, { kind: 'start' }>;

/** A connection on which nothing was read yet. */
export interface Arrival {
  readonly socket: Socket;
  /** TLS is spoken on it. */
  readonly isSecure: boolean;
  /** Its end is to be told, for those of each address are counted. */
  readonly isCounted: boolean;
  /** Whose it is, where that is counted and known already. */
  readonly address: string | null;
}

export class Member {
  readonly serving: Promise<void>;
  #acknowledgement: Acknowledgement | null = null;
  #stats: ProxyStats | null = null;
  #nextId = 1;
  #started = false;
  /** The entries that it was told. */
  #entries: TableUpdate['services'] = {};
  #applying: Promise<void> = Promise.resolve();
  #isTaking = false;
  /** Connections whose end is to be told, and of which address they are. */
  readonly #addresses = new Map<number, string>();
  readonly #waiting = new Map<number, () => void>();
  readonly #worker: Worker;
  readonly #exited: Promise<void>;

  constructor(worker: Worker, start: () => Start, events: MemberEvents) {
    this.#worker = worker;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.serving = promise;
    this.serving.catch(() => undefined);
    worker.on('message', (message: unknown) => {
      if (!isFromWorker(message)) return;
      if (message.kind === 'ready') {
        const first = start();
        this.#started = true;
        this.#entries = first.update?.services ?? {};
        this.#tell(first);
      }
      if (message.kind === 'serving') resolve();
      if (message.kind === 'failed') reject(new Error(message.problem));
      this.#note(message, events);
    });
    worker.on('error', (error) => events.onProblem(`Worker ${worker.process.pid}: ${error.message}`));
    this.#exited = new Promise((exited) => {
      worker.once('exit', (code, signal) => {
        reject(new Error(`The worker ended with ${signal ?? code}.`));
        this.#acknowledgement = null;
        this.#isTaking = false;
        for (const answered of [...this.#waiting.values()]) answered();
        exited();
        for (const address of this.#addresses.values()) events.onLeft(address);
        events.onExit(this);
      });
    });
  }

  /** Null while it does not serve. */
  get acknowledgement(): Acknowledgement | null {
    return this.#acknowledgement;
  }

  /** The last that it told. */
  get lastStats(): ProxyStats | null {
    return this.#stats;
  }

  /** One connection at a time: a worker that is slow to take it gets no more meanwhile. */
  get isFree(): boolean {
    return this.#acknowledgement !== null && !this.#isTaking && this.#worker.isConnected();
  }

  get isTaking(): boolean {
    return this.#isTaking;
  }

  take({ socket, isSecure, isCounted, address }: Arrival): void {
    this.#isTaking = true;
    const id = isCounted ? this.#nextId : null;
    if (address !== null) this.#addresses.set(this.#nextId, address);
    this.#nextId += 1;
    this.#worker.send({ kind: 'connection', id, isSecure } satisfies ToWorker, socket);
  }

  /** One that has not started yet gets the table in force when it does. */
  async apply(update: TableUpdate): Promise<void> {
    if (!this.#started) return;
    this.#applying = this.#applying.then(() => this.#hand(update));
    await this.#applying;
  }

  /** Only what differs from what it has: an entry that is the same value is not told again. */
  async #hand({ version, services }: TableUpdate): Promise<void> {
    const former = this.#entries;
    this.#entries = services;
    const gone = Object.keys(former).filter((name) => !Object.hasOwn(services, name));
    const changed = Object.entries(services).filter(([name, entry]) => {
      return former[name] !== entry || !Object.hasOwn(former, name);
    });
    for (let from = 0; from < changed.length; from += AT_ONCE) {
      const entries = Object.fromEntries(changed.slice(from, from + AT_ONCE));
      await this.#ask((id) => ({ kind: 'entries', id, entries }));
    }
    await this.#ask((id) => ({ kind: 'apply', id, version, gone }));
  }

  /** One that has not started yet gets those in force when it does. */
  useCertificates(certificates: readonly Certificate[]): void {
    if (this.#started) this.#tell({ kind: 'certificates', certificates });
  }

  async readStats(): Promise<void> {
    await this.#ask((id) => ({ kind: 'stats', id }));
  }

  sayClose(): void {
    this.#tell({ kind: 'say-close' });
  }

  /** Resolves when it has ended. */
  async drain(patience: Patience): Promise<void> {
    this.#tell({ kind: 'drain', patience });
    const timer = setTimeout(() => this.#worker.process.kill('SIGKILL'), patience.requestsMs + ANSWER_MS);
    await this.#exited;
    clearTimeout(timer);
  }

  /** Resolves when it has answered, or is no more. */
  #ask(compose: (id: number) => ToWorker): Promise<void> {
    const id = this.#nextId;
    this.#nextId += 1;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#worker.process.kill('SIGKILL'), ANSWER_MS);
      this.#waiting.set(id, () => {
        this.#waiting.delete(id);
        clearTimeout(timer);
        resolve();
      });
      if (!this.#tell(compose(id))) this.#waiting.get(id)?.();
    });
  }

  #tell(message: ToWorker): boolean {
    if (!this.#worker.isConnected()) return false;
    this.#worker.send(message);
    return true;
  }

  #note(message: FromWorker, events: MemberEvents): void {
    switch (message.kind) {
      case 'serving':
        this.#acknowledgement = message.acknowledgement;
        events.onChange();
        events.onFree();
        return;
      case 'taken':
        this.#isTaking = false;
        events.onFree();
        return;
      case 'named': {
        const isAdmitted = events.onNamed(message.address);
        if (isAdmitted) this.#addresses.set(message.id, message.address);
        this.#tell({ kind: 'admission', id: message.id, isAdmitted });
        return;
      }
      case 'left': {
        const address = this.#addresses.get(message.id);
        this.#addresses.delete(message.id);
        if (address !== undefined) events.onLeft(address);
        return;
      }
      case 'noted':
        this.#waiting.get(message.id)?.();
        return;
      case 'applied':
        if (this.#acknowledgement !== null) this.#acknowledgement = message.acknowledgement;
        this.#waiting.get(message.id)?.();
        return;
      case 'changed':
        if (this.#acknowledgement === null) return;
        this.#acknowledgement = message.acknowledgement;
        events.onChange();
        return;
      case 'stats':
        this.#stats = message.stats;
        this.#waiting.get(message.id)?.();
        return;
      case 'access':
        for (const record of message.records) events.onAccess(record);
        return;
      case 'problem':
      case 'failed':
        events.onProblem(`Worker ${this.#worker.process.pid}: ${message.problem}`);
        return;
      case 'ready':
        return;
    }
  }
}
