// The machine that containers run on: the in-memory engine on the machine's monotonic clock, with what only a real one
// does: a wall clock that is set, addresses that are given again, containers that die, events that get lost.
import { RuntimeFailure } from '../../../deploy/errors.ts';
import type { CreateRequest, PullRequest, ResolvedImage, RuntimeEvent } from '../../../deploy/runtime.ts';
import type { ContainerState, ProbeAnswer } from '../../../strategies/model.ts';
import { FakeRuntime } from '../../fakes/runtime.ts';
import type { Random } from '../../support/random.ts';
import type { CheckedContainer } from '../checked.ts';
import type { Plot, ServicePlot, VersionPlot } from './plot.ts';
import type { VirtualTime } from './virtual-time.ts';

export const PREFIX = '/slipway';
/** Of somebody else's prefix: never to be touched. */
export const FOREIGN = '/other';

interface Known {
  wasToldToStop: boolean;
  /** Good answers in a row, the longest such row of this run, and the run. */
  row: number;
  longestRow: number;
  startedAt: number | null;
}

type Listed = ContainerState & { readonly service: string };

const NO_FAULTS = { eventsLost: false, eventsLateMs: 0, isDown: false, slowMs: 0, failing: 0, unheard: 0 };

export class Machine {
  readonly runtime: FakeRuntime;
  readonly faults = { ...NO_FAULTS };
  readonly sick = new Set<string>();
  readonly #time: VirtualTime;
  readonly #random: Random;
  readonly #versions = new Map<string, VersionPlot>();
  readonly #pulls = new Map<string, number>();
  readonly #known = new Map<string, Known>();
  readonly #started = new Map<string, VersionPlot & { readonly service: string }>();
  readonly #references = new Map<string, VersionPlot>();

  constructor(time: VirtualTime, random: Random, plot: Plot) {
    this.#time = time;
    this.#random = random;
    this.runtime = new FakeRuntime({ now: () => time.now, sleep: (ms) => time.sleep(ms) });
    for (const service of plot.services) this.#addImages(service);
  }

  #addImages({ name, versions }: ServicePlot): void {
    for (const [version, plot] of Object.entries(versions)) {
      const image = `registry.test/${name}`;
      const { reference } = this.runtime.addImage(image, version, plot.behaviour);
      this.#versions.set(`${image}:${version}`, plot);
      this.#references.set(reference, plot);
    }
  }

  /** Everything of ours, in the machine's own time. */
  look(service?: string): readonly Listed[] {
    return this.runtime.look(PREFIX, service).map((each) => {
      return each.startedAt === null ? each : { ...each, startedAt: this.#time.wallAt(each.startedAt) };
    });
  }

  find(id: string): Listed | null {
    return this.look().find((each) => each.id === id) ?? null;
  }

  isForeign(id: string): boolean {
    return this.runtime.look(FOREIGN).some((each) => each.id === id);
  }

  async resolveImage(request: PullRequest): Promise<ResolvedImage> {
    const name = `${request.image}:${request.version}`;
    const plot = this.#versions.get(name);
    await this.#time.sleep(plot?.pullMs ?? 0);
    if (request.signal.aborted) throw new RuntimeFailure('cancelled', `${name}: cancelled`);
    const failures = this.#pulls.get(name) ?? 0;
    if (plot === undefined || failures >= plot.pullFailures) return await this.runtime.resolveImage(request);
    this.#pulls.set(name, failures + 1);
    throw new RuntimeFailure('image-pull', `${name}: the registry says no`, { pull: plot.pullFailure });
  }

  async start(request: CreateRequest): Promise<void> {
    await this.runtime.start(request);
    const version = this.#references.get(request.revision.reference);
    if (version !== undefined)
      this.#started.set(request.name, { ...version, service: request.identity.service });
    const { startDelayMs = 0, exitsAfterMs } = version?.behaviour ?? {};
    if (exitsAfterMs !== undefined) this.#time.after(startDelayMs + exitsAfterMs, () => this.runtime.tick());
  }

  /** What a probe sees. */
  probe(container: ContainerState): ProbeAnswer {
    const { ok, detail } = this.runtime.probe(container.id);
    const started = this.#started.get(container.name);
    const period = started?.flapsEveryMs ?? null;
    const flaps = period !== null && this.#time.now % period < period / 2;
    const isGood = ok && !flaps && !this.sick.has(started?.service ?? '');
    this.#count(container, isGood);
    return { ok: isGood, detail: isGood ? detail : 'GET /health → 500' };
  }

  #count({ id, startedAt }: ContainerState, isGood: boolean): void {
    const known = this.known(id);
    if (known.startedAt !== startedAt) Object.assign(known, { row: 0, longestRow: 0, startedAt });
    known.row = isGood ? known.row + 1 : 0;
    known.longestRow = Math.max(known.row, known.longestRow);
  }

  known(id: string): Known {
    const known = this.#known.get(id) ?? { wasToldToStop: false, row: 0, longestRow: 0, startedAt: null };
    this.#known.set(id, known);
    return known;
  }

  /** For good, or for so long. */
  disturb(faults: Partial<typeof NO_FAULTS>, forMs = Number.POSITIVE_INFINITY): void {
    Object.assign(this.faults, faults);
    if (forMs < Number.POSITIVE_INFINITY) this.#time.after(forMs, () => this.#calm(Object.keys(faults)));
  }

  recover(): void {
    this.sick.clear();
    this.#calm(Object.keys(NO_FAULTS));
  }

  #calm(names: readonly string[]): void {
    const wasDown = this.faults.isDown;
    const calm = Object.entries(NO_FAULTS).filter(([name]) => names.includes(name));
    Object.assign(this.faults, Object.fromEntries(calm));
    if (wasDown && !this.faults.isDown) this.runtime.comeBack();
  }

  /** Passes an engine event on, or does not. */
  tell(event: RuntimeEvent, listener: (event: RuntimeEvent) => void): void {
    if (this.faults.eventsLost && event.kind !== 'reconnected') return;
    const { eventsLateMs } = this.faults;
    if (eventsLateMs === 0) listener(event);
    else this.#time.after(this.#random.integer(0, eventsLateMs), () => listener(event));
  }

  check(): void {
    if (this.faults.isDown) throw new RuntimeFailure('engine-unavailable', 'connect ECONNREFUSED');
    if (this.faults.failing === 0) return;
    this.faults.failing -= 1;
    throw new RuntimeFailure('engine-error', 'the engine says no');
  }

  checkReply(): void {
    if (this.faults.unheard === 0) return;
    this.faults.unheard -= 1;
    throw new RuntimeFailure('timeout', 'no answer in time');
  }
}

export function toChecked(
  { id, name, state, address, revision }: Listed,
  machine: Machine,
): CheckedContainer {
  const { wasToldToStop } = machine.known(id);
  return { name, isRunning: state === 'running', wasToldToStop, address, revision: { number: revision } };
}
