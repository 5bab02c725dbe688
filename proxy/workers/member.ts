// One worker as the primary sees it: what it was told, what it has answered, whether it still lives. Decides nothing
// about the others.
import type { Worker } from 'node:cluster';
import type { Socket } from 'node:net';
import type { Patience } from '../clients/listener.ts';
import type { Acknowledgement, TableUpdate } from '../control.ts';
import type { ProxyStats } from '../counters.ts';
import type { Certificate } from '../tls/certificate.ts';
import { type FromWorker, isFromWorker, type ToWorker } from './messages.ts';

/** A worker that does not answer for so long is stuck: it is killed, and replaced. */
const ANSWER_MS = 10_000;

export interface MemberEvents {
  readonly onChange: () => void;
  /** It can take another connection. */
  readonly onFree: () => void;
  /** A connection of this address has ended. */
  readonly onLeft: (address: string) => void;
  readonly onProblem: (problem: string) => void;
  readonly onExit: (member: Member) => void;
}

export class Member {
  readonly serving: Promise<void>;
  #acknowledgement: Acknowledgement | null = null;
  #stats: ProxyStats | null = null;
  #nextId = 1;
  #started = false;
  #isTaking = false;
  /** Connections whose end is to be told, and of which address they are. */
  readonly #addresses = new Map<number, string>();
  readonly #waiting = new Map<number, () => void>();
  readonly #worker: Worker;
  readonly #exited: Promise<void>;

  constructor(worker: Worker, start: () => ToWorker, events: MemberEvents) {
    this.#worker = worker;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.serving = promise;
    this.serving.catch(() => undefined);
    worker.on('message', (message: unknown) => {
      if (!isFromWorker(message)) return;
      if (message.kind === 'ready') {
        this.#started = true;
        this.#tell(start());
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

  /** `address`: where its end is to be told, otherwise null. */
  take(socket: Socket, address: string | null, isSecure: boolean): void {
    this.#isTaking = true;
    const id = address === null ? null : this.#nextId;
    if (address !== null) this.#addresses.set(this.#nextId, address);
    this.#nextId += 1;
    this.#worker.send({ kind: 'connection', id, isSecure } satisfies ToWorker, socket);
  }

  /** One that has not started yet gets the table in force when it does. */
  async apply(update: TableUpdate): Promise<void> {
    if (this.#started) await this.#ask((id) => ({ kind: 'apply', id, update }));
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
      case 'left': {
        const address = this.#addresses.get(message.id);
        this.#addresses.delete(message.id);
        if (address !== undefined) events.onLeft(address);
        return;
      }
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
      case 'problem':
      case 'failed':
        events.onProblem(`Worker ${this.#worker.process.pid}: ${message.problem}`);
        return;
      case 'ready':
        return;
    }
  }
}
