// Carries out actions in the background, each by its entry in one table. Asked for the same thing at every pass, it does
// it once: one action at a time per container name, none before its back-off is over, none without the permit.
//
// INVARIANT: an action belongs to the permit that it began under. Once that is lost no further call of it is made, not
// even when there is another permit by then, and nothing is remembered of how it ended: the next leader looks anew.
import type { Action, ActionKind, Trouble } from '../strategies/model.ts';
import type { ImageResolver } from './image.ts';
import type { ContainerRuntime, Permit } from './runtime.ts';
import { Troubles } from './troubles.ts';

export interface ExecutorOptions {
  readonly runtime: Pick<ContainerRuntime, 'start' | 'stop' | 'remove'>;
  readonly images: Pick<ImageResolver, 'resolve'>;
  readonly prefix: string;
  readonly now: () => number;
  /** One for each action, of the leadership in force; false once that may be lost. */
  readonly takePermit: () => Permit;
  /** An action of this service has ended, well or not, or the back-off of a failed one has. */
  readonly onDone: (service: string) => void;
  /** What came of an action; `trouble` is null when it went well. */
  readonly onEnded?: (service: string, kind: ActionKind, name: string, trouble: Trouble | null) => void;
  /** How to wait out a back-off; a timer that keeps no process alive unless given. */
  readonly schedule?: (delayMs: number, run: () => void) => void;
}

type ContainerAction = Exclude<Action, { kind: 'resolve-image' }>;
type Kind = ContainerAction['kind'];
type ActionOf<K extends Kind> = Extract<Action, { kind: K }>;
/** Mapped, so that the table's entry for a kind is known to take the action of that kind. */
type Entry<K extends Kind> = { [P in K]: { readonly kind: P } & ActionOf<P> }[K];
type Run<P extends Kind> = (service: string, action: Entry<P>, permit: Permit) => Promise<void>;
type Table = { readonly [P in Kind]: Run<P> };

interface Running {
  readonly service: string;
  readonly kind: Kind;
  readonly done: Promise<void>;
}

export class Executor {
  readonly #options: ExecutorOptions;
  readonly #running = new Map<string, Running>();
  readonly #troubles = new Troubles();
  readonly #table: Table;

  constructor(options: ExecutorOptions) {
    this.#options = options;
    this.#table = {
      start: (service, action) => this.#start(service, action),
      stop: (_, action, permit) => this.#stop(action, permit),
      remove: (_, action) => this.#remove(action),
    };
  }

  /** Returns at once. Actions on a name that is being worked on, or is backing off, are passed over: ask again. */
  execute(service: string, actions: readonly Action[]): void {
    for (const action of actions) {
      if (action.kind === 'resolve-image') this.#options.images.resolve(action);
      else this.#begin(service, action);
    }
  }

  troubles(service: string): readonly Trouble[] {
    return this.#troubles.of(service);
  }

  /** Names of containers whose stop or removal is under way. */
  stopping(service: string): ReadonlySet<string> {
    const leaving = [...this.#running].filter(([, run]) => run.service === service && run.kind !== 'start');
    return new Set(leaving.map(([name]) => name));
  }

  /** Forgets what this service's actions ran into: on `retry`, on a new rollout, when it retires. */
  forgetTroubles(service: string): void {
    this.#troubles.clearService(service);
  }

  /** Resolves when nothing runs any more. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all([...this.#running.values()].map(({ done }) => done));
  }

  #begin(service: string, action: ContainerAction): void {
    const { kind, name } = action;
    const permit = this.#options.takePermit();
    const mayTry = this.#troubles.mayTry(name, kind, this.#options.now());
    if (this.#running.has(name) || !mayTry || !permit()) return;
    const { promise: done, resolve } = Promise.withResolvers<void>();
    this.#running.set(name, { service, kind, done });
    void this.#run(service, action, permit).then(resolve);
  }

  async #run(service: string, action: ContainerAction, permit: Permit): Promise<void> {
    const { kind, name } = action;
    try {
      await this.#dispatch(service, action, permit);
      this.#troubles.clear(name);
    } catch (error) {
      if (permit()) this.#noteTrouble(service, action, error);
    }
    this.#running.delete(name);
    const trouble = this.#troubles.of(service).find(({ subject }) => subject === name) ?? null;
    if (permit()) this.#options.onEnded?.(service, kind, name, trouble);
    this.#options.onDone(service);
  }

  #noteTrouble(service: string, { kind, name }: ContainerAction, error: unknown): void {
    const { now, schedule = scheduleTimer, onDone } = this.#options;
    const delayMs = this.#troubles.add(service, name, kind, error, now());
    schedule(delayMs, () => onDone(service));
  }

  async #dispatch<K extends Kind>(service: string, action: Entry<K>, permit: Permit): Promise<void> {
    await this.#table[action.kind](service, action, permit);
  }

  async #start(service: string, { name, revision, ordinal }: ActionOf<'start'>): Promise<void> {
    const identity = { prefix: this.#options.prefix, service, revision: revision.number, ordinal };
    await this.#options.runtime.start({ identity, name, revision });
  }

  /** Between the two calls leadership may go; the container then is left stopped, for the next leader to remove. */
  async #stop({ id, graceMs }: ActionOf<'stop'>, permit: Permit): Promise<void> {
    await this.#options.runtime.stop(id, graceMs);
    if (permit()) await this.#options.runtime.remove(id);
  }

  async #remove({ id }: ActionOf<'remove'>): Promise<void> {
    await this.#options.runtime.remove(id);
  }
}

function scheduleTimer(delayMs: number, run: () => void): void {
  setTimeout(run, delayMs).unref();
}
