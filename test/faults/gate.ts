// What passes between one daemon and its two neighbours, call by call: counts it, keeps a record, and does at one chosen
// call what a test has armed. The two proxies ask it about every call; it knows nothing of their protocols.

export type Side = 'engine' | 'etcd';

export interface Call {
  readonly side: Side;
  /** `POST /containers/create`, `KV/Txn`. */
  readonly what: string;
  /** It asks for a change: of the engine, or of keys. */
  readonly isChange: boolean;
  /** By `performance.now`, when it reached the proxy. */
  readonly at: number;
  /** Of a transaction that etcd has answered: whether it landed. */
  landed?: boolean;
}

/**
 * `before`: nothing of the call reaches the other side. `after`: it has been answered, and nobody hears the answer. A
 * frozen daemon's call goes its way; it is the daemon that stands still.
 */
export type FaultKind =
  | 'kill-before'
  | 'kill-after'
  | 'freeze-before'
  | 'freeze-after'
  | 'delay'
  | 'black-hole'
  | 'error'
  | 'truncate'
  | 'cut-streams';

export interface Fault {
  readonly kind: FaultKind;
  /** Which calls count. */
  readonly of: (call: Call) => boolean;
  /** From 1; beyond the last call, nothing ever happens. */
  readonly nth: number;
}

export const DELAY_MS = 2_000;

export class FaultGate {
  readonly calls: Call[] = [];
  readonly #signal: (signal: 'SIGKILL' | 'SIGSTOP') => void;
  readonly #streams = new Set<() => void>();
  readonly #connections = new Set<() => void>();
  #fault: Fault | null = null;
  #seen = 0;
  #struck: Call | null = null;
  #isSealed = false;
  /** So many next watches are cut with the answer that they are open. */
  watchesToCut = 0;

  /** `signal` reaches the daemon at once. */
  constructor(signal: (signal: 'SIGKILL' | 'SIGSTOP') => void) {
    this.#signal = signal;
  }

  /** From now on, once. Counts anew, also after a kill: then everything passes again. */
  arm(fault: Fault): void {
    this.#fault = fault;
    this.#seen = 0;
    this.#struck = null;
    this.#isSealed = false;
  }

  /** Everything passes; returns how many calls counted. */
  disarm(): number {
    this.#fault = null;
    this.#isSealed = false;
    return this.#seen;
  }

  /** The call at which it happened, or null. */
  get struck(): Call | null {
    return this.#struck;
  }

  /** After a kill nothing passes until the gate is armed or disarmed: what was on its way is lost with the sender. */
  get isSealed(): boolean {
    return this.#isSealed;
  }

  /** For a call that has just come: what is to be done with it, or null to let it pass. */
  take(call: Call): FaultKind | null {
    this.calls.push(call);
    const fault = this.#fault;
    if (fault === null || this.#struck !== null || !fault.of(call)) return null;
    this.#seen += 1;
    if (this.#seen !== fault.nth) return null;
    this.#struck = call;
    if (fault.kind === 'kill-before') this.kill();
    if (fault.kind === 'freeze-before') this.freeze();
    if (fault.kind === 'cut-streams') for (const cut of [...this.#streams]) cut();
    return fault.kind;
  }

  kill(): void {
    this.#signal('SIGKILL');
    this.seal();
  }

  /** The other side is out of reach until the gate is armed or disarmed. */
  seal(): void {
    this.#isSealed = true;
    for (const cut of [...this.#connections]) cut();
  }

  freeze(): void {
    this.#signal('SIGSTOP');
  }

  /** A reply that goes on and on, until the function returned is called. */
  holdStream(cut: () => void): () => void {
    this.#streams.add(cut);
    return () => this.#streams.delete(cut);
  }

  /** A connection to the other side, until the function returned is called. */
  holdConnection(cut: () => void): () => void {
    this.#connections.add(cut);
    return () => this.#connections.delete(cut);
  }
}
