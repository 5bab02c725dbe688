// The simulated engine with the part of the controller that speaks to it: containers, pulls, actions in the background,
// troubles. `crash` loses what a controller keeps in memory; what the engine was told goes on.
import type { Action, ImageState, Reason, Replica, Revision, Trouble } from '../../strategies/model.ts';
import { type Behaviour, GOOD, PULLED, type Pull } from './behaviour.ts';
import { SimContainer } from './container.ts';
import type { Timeline } from './timeline.ts';

type ActionOf<K extends Action['kind']> = Extract<Action, { kind: K }>;

export interface EngineTraits {
  /** From the order to start a container until it runs. */
  readonly startsAfterMs: number;
  /** From SIGTERM to the exit. */
  readonly stopsAfterMs: number;
}

export class SimEngine {
  readonly containers = new Map<string, SimContainer>();
  /** Every container that was ever started, as `web-r1-1`, in order. */
  readonly started: string[] = [];
  traits: EngineTraits = { startsAfterMs: 100, stopsAfterMs: 1000 };
  readonly #timeline: Timeline;
  readonly #onChange: () => void;
  readonly #behaviours = new Map<string, (start: number) => Behaviour>();
  readonly #pulls = new Map<string, Pull>();
  readonly #digests = new Map<string, string>();
  readonly #starts = new Map<string, number>();
  #images = new Map<string, ImageState>();
  #troubles = new Map<string, Trouble>();
  #beingStarted = new Map<string, ActionOf<'start'>>();
  #ids = 0;

  constructor(timeline: Timeline, onChange: () => void) {
    this.#timeline = timeline;
    this.#onChange = onChange;
  }

  /** Of one version, by the count of its starts so far. */
  behave(version: string, behaviour: Behaviour | ((start: number) => Behaviour)): void {
    this.#behaviours.set(version, typeof behaviour === 'function' ? behaviour : () => behaviour);
  }

  pull(version: string, pull: Pull): void {
    this.#pulls.set(version, pull);
  }

  /** Two tags of one image. */
  alias(version: string, of: string): void {
    this.#digests.set(version, digestOf(of));
  }

  replicas(): readonly Replica[] {
    return [...this.containers.values()].map((container) => container.observe());
  }

  images(): Readonly<Record<string, ImageState>> {
    return Object.fromEntries(this.#images);
  }

  troubles(): readonly Trouble[] {
    return [...this.#troubles.values()];
  }

  /** False when it is under way already, or there is nothing to do. */
  execute(action: Action): boolean {
    switch (action.kind) {
      case 'resolve-image':
        return this.#resolve(action);
      case 'start':
        return this.#start(action);
      case 'stop':
        return this.#stop(action);
      case 'remove':
        return this.#remove(action.name);
    }
  }

  keepImages(ids: readonly string[]): void {
    for (const id of this.#images.keys()) if (!ids.includes(id)) this.#images.delete(id);
  }

  /** By somebody's hand. */
  kill(name: string): void {
    this.containers.get(name)?.exit();
  }

  removeByHand(name: string): void {
    this.containers.get(name)?.exit();
    this.#remove(name);
  }

  /** The engine is restarted, and starts again what ran. */
  reboot(): void {
    for (const container of this.containers.values()) if (container.isRunning) container.start();
  }

  crash(isRouted: (replica: Replica) => boolean): void {
    this.#images = new Map();
    this.#troubles = new Map();
    this.#abandonStarts();
    for (const container of this.containers.values()) container.forgetProbes(isRouted(container.observe()));
    this.#onChange();
  }

  // Of the starts under way when a controller dies, one goes on, one is lost, and one got as far as the creation.
  #abandonStarts(): void {
    const abandoned = [...this.#beingStarted.values()];
    this.#beingStarted = new Map();
    abandoned.forEach(({ name, revision, ordinal }, i) => {
      if (i % 3 === 0)
        this.#timeline.after(this.traits.startsAfterMs, () => this.#begin(name, revision, ordinal));
      if (i % 3 === 2) this.create(name, revision, ordinal);
    });
  }

  #resolve({ id, image, version }: ActionOf<'resolve-image'>): boolean {
    const former = this.#images.get(id);
    const attempts = former?.kind === 'failed' ? former.attempts : 0;
    const pull = this.#pulls.get(version) ?? PULLED;
    const pulling: ImageState = { kind: 'pulling', progress: '', changedAt: this.#timeline.now };
    this.#images.set(id, pulling);
    this.#onChange();
    this.#timeline.after(pull.takesMs, () => {
      if (this.#images.get(id) !== pulling) return;
      this.#images.set(
        id,
        attempts < pull.failures ? this.#fail(pull, attempts + 1) : this.#resolved(image, version),
      );
      this.#onChange();
    });
    return true;
  }

  #resolved(image: string, version: string): ImageState {
    const digest = this.#digests.get(version) ?? digestOf(version);
    return { kind: 'resolved', digest, reference: `${image}@${digest}` };
  }

  #fail({ failure }: Pull, attempts: number): ImageState {
    const { now } = this.#timeline;
    const message = 'the registry says no';
    return { kind: 'failed', failure, message, attempts, firstAt: now, retryAt: now + 4000 };
  }

  #start(action: ActionOf<'start'>): boolean {
    const { name, revision, ordinal } = action;
    const existing = this.containers.get(name);
    if (this.#beingStarted.has(name) || (existing !== undefined && existing.state !== 'created'))
      return false;
    this.#beingStarted.set(name, action);
    this.#timeline.after(this.traits.startsAfterMs, () => {
      if (this.#beingStarted.get(name) !== action) return;
      this.#beingStarted.delete(name);
      this.#begin(name, revision, ordinal);
    });
    return true;
  }

  #begin(name: string, revision: Revision, ordinal: number): void {
    const start = this.#starts.get(revision.version) ?? 0;
    const behaviour = this.#behaviours.get(revision.version)?.(start) ?? GOOD;
    this.#starts.set(revision.version, start + 1);
    if (behaviour.refusal !== null) {
      this.#trouble(name, behaviour.refusal);
      return;
    }
    this.#troubles.delete(name);
    const container = this.create(name, revision, ordinal, behaviour);
    if (container.state !== 'created') return;
    container.start();
    this.started.push(name);
  }

  /** Creates without starting, as a controller does that dies in between. */
  create(name: string, revision: Revision, ordinal: number, behaviour: Behaviour = GOOD): SimContainer {
    const former = this.containers.get(name);
    if (former !== undefined) return former;
    this.#ids += 1;
    const address = revision.settings.port === null ? null : `${this.#freeHost()}:${revision.settings.port}`;
    const of = { id: `c${this.#ids}`, name, revision, ordinal, address };
    const container = new SimContainer(of, behaviour, this.#timeline, this.#onChange);
    this.containers.set(name, container);
    return container;
  }

  // The engine gives the lowest free address again, so that a target's name comes back.
  #freeHost(): string {
    const taken = new Set([...this.containers.values()].map(({ address }) => address?.split(':')[0]));
    for (let host = 2; ; host += 1) if (!taken.has(`172.18.0.${host}`)) return `172.18.0.${host}`;
  }

  #trouble(subject: string, reason: Reason): void {
    const attempts = (this.#troubles.get(subject)?.attempts ?? 0) + 1;
    const message = `start ${subject}: ${reason}`;
    this.#troubles.set(subject, {
      subject,
      action: 'start',
      reason,
      message,
      attempts,
      at: this.#timeline.now,
    });
    this.#onChange();
  }

  #stop({ name }: ActionOf<'stop'>): boolean {
    const container = this.containers.get(name);
    if (container === undefined || container.isStopping || !container.isRunning) return false;
    container.isStopping = true;
    container.wasToldToStop = true;
    this.#timeline.after(this.traits.stopsAfterMs, () => {
      if (this.containers.get(name) !== container) return;
      const isOurs = container.isStopping;
      container.exit();
      if (isOurs) this.#remove(name);
    });
    return true;
  }

  #remove(name: string): boolean {
    this.#onChange();
    return this.containers.delete(name);
  }
}

export function digestOf(version: string): string {
  return version.startsWith('sha256:') ? version : `sha256:${version}`;
}
