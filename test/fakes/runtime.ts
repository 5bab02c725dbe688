// A working container engine in memory: images that exist, containers that behave as their image says, a clock from
// outside, and a failure for any call on demand. It passes the same contract suite as the real adapter.
import { RuntimeFailure } from '../../deploy/errors.ts';
import type {
  ContainerRuntime,
  CreateRequest,
  EngineInfo,
  LogLine,
  LogOptions,
  PullRequest,
  ResolvedImage,
  RuntimeEvent,
} from '../../deploy/runtime.ts';
import type { ContainerState, ProbeResult } from '../../strategies/model.ts';
import {
  type Behaviour,
  type FakeImage,
  isAnswering,
  type RuntimeClock,
  stateOf,
} from './runtime-container.ts';
import { Faults, type RuntimeCall } from './runtime-faults.ts';
import { isBehind, logOf } from './runtime-log.ts';
import { World } from './runtime-world.ts';

export type { Behaviour } from './runtime-container.ts';

export class FakeRuntime implements ContainerRuntime {
  /** What was done, in order: `start web-r1-1`, `stop web-r1-1`, `pull repo:v1`, `prune repo: repo@…`. */
  readonly calls: string[] = [];
  readonly #clock: RuntimeClock;
  readonly #images = new Map<string, FakeImage>();
  readonly #behaviours = new Map<string, Behaviour>();
  readonly #world = new World();
  readonly #foreign = new Set<string>();
  readonly #faults = new Faults();
  #digests = 0;
  /** Networks that specs may name. */
  readonly networks = new Set(['bridge']);

  constructor(clock: RuntimeClock = { now: Date.now }) {
    this.#clock = clock;
  }

  /** Makes `image:version` pullable. Setting it again moves the tag. Returns what it resolves to. */
  addImage(image: string, version: string, behaviour: Behaviour = {}): ResolvedImage {
    const digest = version.startsWith('sha256:') ? version : this.#freshDigest();
    const reference = `${image}@${digest}`;
    this.#images.set(`${image}:${version}`, { digest, reference, behaviour });
    this.#behaviours.set(reference, behaviour);
    return { digest, reference };
  }

  removeImage(image: string, version: string): void {
    this.#images.delete(`${image}:${version}`);
  }

  /** A container with that engine-side name, not ours. */
  addForeign(name: string): void {
    this.#foreign.add(name);
  }

  /** The next `times` calls of that kind throw. */
  failNext(call: RuntimeCall, failure: RuntimeFailure, times = 1): void {
    this.#faults.add(call, failure, times);
  }

  /** Every call throws until `comeBack`, as when the daemon is down. Containers run on. */
  goAway(message = 'connect ECONNREFUSED /var/run/docker.sock'): void {
    this.#faults.away = new RuntimeFailure('engine-unavailable', message);
  }

  comeBack(): void {
    this.#faults.away = null;
    this.#world.emit({ kind: 'reconnected', service: null, containerId: null, exitCode: null });
  }

  /** Somebody removes (or stops) a container behind our back. */
  removeByHand(name: string): void {
    this.#world.delete(this.#world.named(name));
  }

  stopByHand(name: string, exitCode = 0): void {
    this.#world.end(this.#world.named(name), this.#clock.now(), exitCode);
  }

  /** What a probe of this container sees now. */
  probe(id: string): ProbeResult {
    const container = this.#world.containers.get(id);
    const at = this.#clock.now();
    if (container === undefined) return { at, ok: false, detail: 'the container is gone' };
    const ok = isAnswering(container, at);
    return { at, ok, detail: ok ? 'GET / → 200' : 'connect ECONNREFUSED' };
  }

  /** Emits the exits that the clock has brought about since the last look. Every call looks by itself. */
  tick(): void {
    this.#world.reportExits(this.#clock.now());
  }

  async info(): Promise<EngineInfo> {
    await this.#enter('info');
    return { name: 'fake', version: '0', apiVersion: '1.41', rootDirectory: '/nowhere' };
  }

  async list(
    prefix: string,
    service?: string,
  ): Promise<readonly (ContainerState & { readonly service: string })[]> {
    await this.#enter('list');
    return this.look(prefix, service);
  }

  /** What `list` would answer, at once and without fail. */
  look(prefix: string, service?: string): readonly (ContainerState & { readonly service: string })[] {
    return [...this.#world.containers.values()]
      .filter(
        ({ request: { identity } }) =>
          identity.prefix === prefix && (service ?? identity.service) === identity.service,
      )
      .map((container) => ({
        ...stateOf(container, this.#clock.now()),
        service: container.request.identity.service,
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async resolveImage(request: PullRequest): Promise<ResolvedImage> {
    const name = `${request.image}:${request.version}`;
    this.calls.push(`pull ${name}`);
    await this.#enter('resolveImage');
    request.onProgress('pulling 50 %');
    const image = this.#images.get(name);
    if (image === undefined)
      throw new RuntimeFailure('image-pull', `${name}: manifest unknown`, { pull: 'missing' });
    return { digest: image.digest, reference: image.reference };
  }

  async requireNetworks(networks: readonly string[]): Promise<void> {
    await this.#enter('requireNetworks');
    const missing = networks.find((name) => !this.networks.has(name));
    if (missing !== undefined)
      throw new RuntimeFailure('network-missing', `network ${missing} does not exist`);
  }

  async start(request: CreateRequest): Promise<void> {
    this.calls.push(`start ${request.name}`);
    await this.#enter('start');
    if (this.#foreign.has(request.name)) {
      throw new RuntimeFailure('name-conflict', `${request.name} is a container that is not ours`);
    }
    const now = this.#clock.now();
    const behaviour = this.#behaviours.get(request.revision.reference) ?? {};
    const container = this.#world.existing(request) ?? this.#world.create(request, behaviour, now);
    const { state } = stateOf(container, now);
    if (state === 'running' || state === 'restarting') return;
    if (state === 'exited')
      throw new RuntimeFailure('name-conflict', `${request.name} exists and has exited`);
    if (container.startedAt !== null) return;
    if (container.behaviour.startError !== undefined) {
      container.error = container.behaviour.startError;
      throw new RuntimeFailure('start-failed', `start ${request.name}: ${container.error}`);
    }
    container.error = null;
    container.startedAt = now + (container.behaviour.startDelayMs ?? 0);
    this.#world.emitFor(container, 'start', null);
  }

  async stop(id: string, graceMs: number): Promise<void> {
    this.calls.push(`stop ${this.#world.containers.get(id)?.request.name ?? id}`);
    await this.#enter('stop');
    const container = this.#world.containers.get(id);
    if (container === undefined || stateOf(container, this.#clock.now()).state === 'exited') return;
    const delay = container.behaviour.stopDelayMs ?? 0;
    if (this.#clock.sleep !== undefined) await this.#clock.sleep(Math.min(delay, graceMs));
    this.#world.end(container, this.#clock.now(), delay > graceMs ? 137 : 0);
  }

  async remove(id: string): Promise<void> {
    this.calls.push(`remove ${this.#world.containers.get(id)?.request.name ?? id}`);
    await this.#enter('remove');
    const container = this.#world.containers.get(id);
    if (container === undefined) return;
    const { state } = stateOf(container, this.#clock.now());
    if (state === 'running' || state === 'restarting') this.#world.end(container, this.#clock.now(), 137);
    this.#world.delete(container);
  }

  async tailLog(id: string, lines: number): Promise<readonly string[]> {
    await this.#enter('tailLog');
    return logOf(this.#world.present(id), this.#clock.now())
      .slice(-lines)
      .map(({ text }) => text);
  }

  async *streamLog(id: string, { tail, after = null, follow, signal }: LogOptions): AsyncIterable<LogLine> {
    const container = this.#world.present(id);
    const begun = stateOf(container, this.#clock.now());
    const lines = logOf(container, this.#clock.now());
    yield* after === null ? lines.slice(-tail) : lines.filter(({ mark }) => isBehind(mark, after));
    const isOver = () => {
      const { state, startedAt } = stateOf(container, this.#clock.now());
      const isThere = this.#world.containers.has(id);
      return !isThere || state !== 'running' || startedAt !== begun.startedAt;
    };
    while (follow && !signal.aborted && !isOver()) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  /** Knows the command `false` (exits 1); any other passes while the container's probes do. */
  async exec(id: string, command: readonly string[]): Promise<ProbeResult> {
    await this.#enter('exec');
    const at = this.#clock.now();
    const ok = isAnswering(this.#world.present(id), at) && !(command.at(-1) ?? '').endsWith('false');
    return { at, ok, detail: `${command.join(' ')} → exit ${ok ? 0 : 1}` };
  }

  async imageHealthcheck(id: string): Promise<readonly string[] | null> {
    await this.#enter('imageHealthcheck');
    return this.#world.present(id).behaviour.healthcheck ?? null;
  }

  async pruneImages(image: string, keep: readonly string[], drop: readonly string[]): Promise<void> {
    await this.#enter('pruneImages');
    const used = new Set(
      [...this.#world.containers.values()].map(({ request }) => request.revision.reference),
    );
    for (const [name, { reference }] of this.#images) {
      if (!drop.includes(reference) || keep.includes(reference) || used.has(reference)) continue;
      this.#images.delete(name);
      this.calls.push(`prune ${image}: ${reference}`);
    }
  }

  async events(_prefix: string, listener: (event: RuntimeEvent) => void, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    this.#world.listeners.add(listener);
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    this.#world.listeners.delete(listener);
  }

  async #enter(call: RuntimeCall): Promise<void> {
    await Promise.resolve();
    this.tick();
    this.#faults.check(call);
  }

  #freshDigest(): string {
    return `sha256:${(++this.#digests).toString(16).padStart(64, '0')}`;
  }
}
