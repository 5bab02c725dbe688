// Removes images that no revision runs any more, in the background and one service's after the other. Level-triggered:
// whoever wants an image gone asks at every pass until it is answered that it has, or was given up.
import { messageOf, RuntimeFailure } from './errors.ts';
import type { ContainerRuntime } from './runtime.ts';
import { computeRetryDelay } from './troubles.ts';

export interface Droppable {
  /** Repository without tag. */
  readonly image: string;
  readonly reference: string;
}

export interface PrunerOptions {
  readonly runtime: Pick<ContainerRuntime, 'pruneImages'>;
  readonly now: () => number;
  /** An image of this service has gone or was given up, or may be tried again. */
  readonly onDone: (service: string) => void;
  readonly onTrouble: (what: string, error: unknown) => void;
  /** How to wait out a back-off; a timer that keeps no process alive unless given. */
  readonly schedule?: (delayMs: number, run: () => void) => void;
}

type State =
  | { readonly kind: 'running' | 'done' }
  | { readonly kind: 'failed'; readonly attempts: number; readonly retryAt: number };

/** 0.2 s after the first failure, doubling: after half a minute it is left to a person. */
const TRIES = 8;

export class ImagePruner {
  readonly #options: PrunerOptions;
  /** By service, then by reference. */
  readonly #states = new Map<string, Map<string, State>>();
  readonly #running = new Set<Promise<void>>();

  constructor(options: PrunerOptions) {
    this.#options = options;
  }

  /** The references of `drop` that are done with. What is no longer in `drop` is forgotten. */
  prune(service: string, keep: readonly string[], drop: readonly Droppable[]): ReadonlySet<string> {
    const before = this.#states.get(service);
    const states = new Map<string, State>();
    for (const { reference } of drop) {
      const state = keep.includes(reference) ? DONE : before?.get(reference);
      if (state !== undefined) states.set(reference, state);
    }
    if (drop.length > 0) this.#states.set(service, states);
    else this.#states.delete(service);
    for (const one of drop) {
      if (this.#isDue(states.get(one.reference))) this.#begin(service, states, keep, one);
    }
    return new Set([...states].flatMap(([reference, { kind }]) => (kind === 'done' ? [reference] : [])));
  }

  /** Resolves when nothing runs any more. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  #isDue(state: State | undefined): boolean {
    return state === undefined || (state.kind === 'failed' && this.#options.now() >= state.retryAt);
  }

  #begin(service: string, states: Map<string, State>, keep: readonly string[], one: Droppable): void {
    const former = states.get(one.reference);
    states.set(one.reference, { kind: 'running' });
    const run = this.#run(service, keep, one, former).finally(() => this.#running.delete(run));
    this.#running.add(run);
  }

  async #run(
    service: string,
    keep: readonly string[],
    { image, reference }: Droppable,
    former: State | undefined,
  ): Promise<void> {
    const { runtime, onDone } = this.#options;
    try {
      await runtime.pruneImages(image, keep, [reference]);
      this.#states.get(service)?.set(reference, DONE);
    } catch (error) {
      const state = this.#fail(service, reference, error, former?.kind === 'failed' ? former.attempts : 0);
      if (state === null) this.#states.get(service)?.delete(reference);
      else this.#states.get(service)?.set(reference, state);
    }
    onDone(service);
  }

  /** Null where leadership went: the next leader looks anew. */
  #fail(service: string, reference: string, error: unknown, failures: number): State | null {
    const { now, onTrouble, onDone, schedule = scheduleTimer } = this.#options;
    if (error instanceof RuntimeFailure && error.code === 'cancelled') return null;
    const attempts = failures + 1;
    if (attempts >= TRIES) {
      onTrouble(`image ${reference} is left on the engine; remove it by hand`, error);
      return DONE;
    }
    if (attempts === 1) onTrouble(`remove image ${reference}: ${messageOf(error)}; trying again`, error);
    const delayMs = computeRetryDelay(attempts);
    schedule(delayMs, () => onDone(service));
    return { kind: 'failed', attempts, retryAt: now() + delayMs };
  }
}

const DONE: State = { kind: 'done' };

function scheduleTimer(delayMs: number, run: () => void): void {
  setTimeout(run, delayMs).unref();
}
