// One simulated container: what the engine says of it, what its probes have come to, and how it behaves.
import { assumeReady, recordProbe, UNPROBED } from '../../strategies/health.ts';
import type { ContainerState, ProbeRecord, Replica, Revision } from '../../strategies/model.ts';
import { type Behaviour, isHealthyAt } from './behaviour.ts';
import type { Timeline } from './timeline.ts';

type State = ContainerState['state'];

/** As in the prober. */
const YOUNG_MS = 60_000;

export class SimContainer {
  readonly id: string;
  readonly name: string;
  readonly revision: Revision;
  readonly ordinal: number;
  readonly address: string | null;
  readonly behaviour: Behaviour;
  isStopping = false;
  /** Outlives the controller that told it. */
  wasToldToStop = false;
  readonly #timeline: Timeline;
  readonly #onChange: () => void;
  #state: State = 'created';
  #startedAt = 0;
  /** By the prober that there is now. */
  #seenAt = 0;
  #restarts = 0;
  #probe: ProbeRecord = UNPROBED;
  /** A new one for every run and every prober: what was planned for a former one is void. */
  #run = {};

  constructor(
    of: { id: string; name: string; revision: Revision; ordinal: number; address: string | null },
    behaviour: Behaviour,
    timeline: Timeline,
    onChange: () => void,
  ) {
    this.id = of.id;
    this.name = of.name;
    this.revision = of.revision;
    this.ordinal = of.ordinal;
    this.address = of.address;
    this.behaviour = behaviour;
    this.#timeline = timeline;
    this.#onChange = onChange;
  }

  get state(): State {
    return this.#state;
  }

  get isRunning(): boolean {
    return this.#state === 'running';
  }

  start(): void {
    this.#state = 'running';
    this.#startedAt = this.#timeline.now;
    this.#seenAt = this.#startedAt;
    this.#probe = UNPROBED;
    this.#run = {};
    this.#scheduleProbe();
    if (this.behaviour.exitsAfterMs !== null) this.#later(this.behaviour.exitsAfterMs, () => this.#crash());
    this.#onChange();
  }

  exit(): void {
    this.#run = {};
    this.#state = 'exited';
    this.#onChange();
  }

  /** A new controller: it assumes that what the table names is ready, and probes anew. */
  forgetProbes(isRouted: boolean): void {
    this.isStopping = false;
    const { now } = this.#timeline;
    const isYoung = now - this.#startedAt < YOUNG_MS;
    this.#seenAt = now;
    this.#probe = isRouted && this.isRunning ? assumeReady(now, !isYoung) : UNPROBED;
    if (!this.isRunning) return;
    this.#fold();
    this.#scheduleProbe();
  }

  observe(): Replica {
    const hasExited = this.#state === 'exited';
    const { exitCode, outOfMemory } = this.behaviour;
    return {
      id: this.id,
      name: this.name,
      revision: this.revision.number,
      ordinal: this.ordinal,
      state: this.#state,
      address: this.isRunning ? this.address : null,
      startedAt: this.#startedAt,
      exitCode: hasExited || this.#restarts > 0 ? exitCode : null,
      outOfMemory: (hasExited || this.#restarts > 0) && outOfMemory,
      restarts: this.#restarts,
      error: null,
      probe: this.isRunning ? this.#probe : UNPROBED,
      stopping: this.isStopping,
    };
  }

  #crash(): void {
    if (!this.behaviour.isRestarted) {
      this.exit();
      return;
    }
    this.#restarts += 1;
    this.start();
  }

  #later(ms: number, run: () => void): void {
    const mine = this.#run;
    this.#timeline.after(ms, () => {
      if (this.#run === mine) run();
    });
  }

  #scheduleProbe(): void {
    const { intervalMs, startIntervalMs } = this.revision.settings.healthcheck;
    this.#later(this.#probe.readySince === null ? startIntervalMs : intervalMs, () => {
      this.#fold();
      this.#scheduleProbe();
    });
  }

  #fold(): void {
    const at = this.#timeline.now;
    const ok = isHealthyAt(this.behaviour, at - this.#startedAt);
    const result = { at, ok, detail: ok ? 'GET /health → 200' : 'GET /health → 500' };
    const before = this.#probe;
    this.#probe = recordProbe(before, result, this.revision.settings.healthcheck, this.#seenAt);
    const { readySince, unhealthySince } = this.#probe;
    if (readySince !== before.readySince || unhealthySince !== before.unhealthySince) this.#onChange();
  }
}
