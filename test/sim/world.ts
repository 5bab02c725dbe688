// A whole service in virtual time: `decide` in the middle, a store, an engine and proxies around it. A pass reads
// everything anew, decides, writes, acts; the next one comes at once after a write, else at the next change or wake.
import { decide } from '../../strategies/decide.ts';
import { describeAction, describePlan } from '../../strategies/describe.ts';
import type { Command, Observed, Plan, ServiceSpec } from '../../strategies/model.ts';
import { planRetirement } from '../../strategies/retire.ts';
import { identify } from '../../strategies/world.ts';
import { SimEngine } from './engine.ts';
import { freeze } from './freeze.ts';
import { checkAction, checkPlan, checkWorld } from './invariants.ts';
import { type ProxyTraits, SimProxy } from './proxy.ts';
import { HOUR } from './spec.ts';
import { SimStore } from './store.ts';
import { Timeline } from './timeline.ts';
import { Trace } from './trace.ts';

const EPOCH = Date.UTC(2026, 10, 24);
/** Passes at one instant, beyond which the world does not come to rest. */
const PASSES_LIMIT = 60;
const SERVICE = 'web';

export class SimWorld {
  spec: ServiceSpec;
  readonly timeline = new Timeline(EPOCH);
  readonly store = new SimStore();
  readonly engine: SimEngine;
  readonly #trace = new Trace(EPOCH);
  proxies: SimProxy[] = [];
  plan: Plan | null = null;
  /** Asked at every pass: how many of its actions are carried out before the controller dies; null: it lives. */
  dies: (actions: number) => number | null = () => null;
  #settings = 1;
  #isDirty = true;
  #isGone = false;
  #awayUntil = EPOCH;
  #watchedSince = EPOCH;
  #passesAtOnce = 0;
  #proxies = 0;
  readonly #parted: string[] = [];

  constructor(spec: ServiceSpec, proxies = 1) {
    this.spec = spec;
    this.engine = new SimEngine(this.timeline, () => this.#mark());
    this.store.specRevision = this.store.next();
    for (let i = 0; i < proxies; i += 1) this.addProxy();
  }

  get now(): number {
    return this.timeline.now;
  }

  // What operators and CI do.

  release(version: string): void {
    this.store.version = { value: { ok: true, value: version }, revision: this.#put(`version ${version}`) };
  }

  respec(spec: ServiceSpec): void {
    const covered = ({ image, settings }: ServiceSpec) => JSON.stringify([image, settings]);
    if (covered(spec) !== covered(this.spec)) this.#settings += 1;
    this.spec = spec;
    this.#isGone = false;
    this.store.specRevision = this.#put('spec');
  }

  command(word: Command['word'], to: number | null = null): void {
    const revision = this.#put(`command ${word}${to === null ? '' : ` ${to}`}`);
    this.store.command = { value: { ok: true, value: { word, to } }, revision };
  }

  weigh(weights: Readonly<Record<string, number>> | null): void {
    const revision = this.#put(`weights ${JSON.stringify(weights)}`);
    this.store.weights = weights === null ? null : { value: { ok: true, value: weights }, revision };
  }

  freeze(reason: string | null): void {
    this.#put(`freeze ${reason}`);
    this.store.freeze = reason;
  }

  retire(): void {
    this.#put('spec deleted');
    this.#isGone = true;
  }

  addProxy(traits: ProxyTraits = { appliesAfterMs: 20, drainsAfterMs: 500 }): SimProxy {
    this.#proxies += 1;
    const proxy = new SimProxy(`p${this.#proxies}`, SERVICE, traits, this.timeline, () => this.#mark());
    this.proxies.push(proxy);
    proxy.tell(this.store.route?.value ?? null, this.store.route?.revision ?? 0);
    this.#mark();
    return proxy;
  }

  /** It ends on purpose, and says so, or is killed. */
  dropProxy(proxy: SimProxy, hasSaid = true): void {
    this.proxies = this.proxies.filter((other) => other !== proxy);
    if (hasSaid) this.#parted.push(proxy.id);
    this.#mark();
  }

  /** The controller dies and another one takes over at once. */
  crash(): void {
    this.note('crash');
    this.#watchedSince = this.now;
    const targets = (this.store.route?.value.targets ?? []).map((t) => identify(t.revision, t.address));
    this.engine.crash(({ address, revision }) => {
      if (address !== null) return targets.includes(identify(revision, address));
      return this.spec.settings.port === null && revision === this.store.memory.stable;
    });
  }

  /** No controller looks for so long; then a controller comes that knows only what the store does. */
  absent(ms: number): void {
    this.#awayUntil = this.now + ms;
    this.run(ms);
    this.crash();
  }

  /** Nothing has happened, but it is looked at anyway, as every service is from time to time. */
  resync(): void {
    this.#mark();
  }

  // Time.

  run(ms: number): void {
    const end = this.now + ms;
    while (this.#step(end)) checkWorld(this);
    this.timeline.now = end;
  }

  /** Runs until it holds after a pass; throws with the end of the trace when it does not within `limitMs`. */
  runUntil(holds: (world: SimWorld) => boolean, limitMs = 6 * HOUR): void {
    const end = this.now + limitMs;
    while (this.#isDirty || !holds(this)) {
      if (!this.#step(end)) throw new Error(`not reached within ${limitMs} ms:\n${this.tail()}`);
      checkWorld(this);
    }
  }

  /** Until no rollout is under way, nothing is on its way in or out, and what is stable is ready in full. */
  settle(limitMs = 6 * HOUR): void {
    this.runUntil((world) => world.isAtRest(), limitMs);
  }

  isAtRest(): boolean {
    const { memory } = this.store;
    if (memory.rollout !== null || this.plan === null || this.plan.actions.length > 0) return false;
    const { stable } = this.plan.report;
    if (stable !== null && stable.replicas.ready < this.spec.replicas) return false;
    const containers = [...this.engine.containers.values()];
    return Object.keys(memory.draining).length === 0 && containers.every((c) => c.isRunning && !c.isStopping);
  }

  observe(): Observed {
    return {
      service: SERVICE,
      watchedSince: this.#watchedSince,
      settingsHash: `settings-${this.#settings}`,
      ...this.store.read(),
      images: this.engine.images(),
      replicas: this.engine.replicas(),
      troubles: this.engine.troubles(),
      proxies: this.proxies.filter(({ isHidden }) => !isHidden).map((proxy) => proxy.state()),
      parted: [...this.#parted],
    };
  }

  note(text: string): void {
    this.#trace.note(this.now, text);
  }

  tail(): string {
    return this.#trace.tail(EPOCH);
  }

  /** From here on counts what is told. */
  mark(): void {
    this.#trace.mark(this.now);
  }

  /** What was done since the mark, line by line. */
  told(): readonly string[] {
    return this.#trace.told();
  }

  // One pass, or one move of the clock. False at the end of the time given.
  #step(end: number): boolean {
    const isAway = this.now < this.#awayUntil;
    if (this.#isDirty && !isAway) {
      this.#pass();
      return true;
    }
    const wakeAt = isAway ? null : (this.plan?.wakeAt ?? null);
    const due = [this.timeline.nextAt(), wakeAt].filter((at) => at !== null);
    const at = Math.max(this.now, Math.min(...due));
    if (at > end || due.length === 0) return false;
    if (at > this.now) this.#passesAtOnce = 0;
    this.timeline.advanceTo(at);
    if (wakeAt !== null && wakeAt <= at) this.#isDirty = true;
    return true;
  }

  #pass(): void {
    this.#isDirty = false;
    this.#passesAtOnce += 1;
    if (this.#passesAtOnce > PASSES_LIMIT) throw new Error(`does not come to rest:\n${this.tail()}`);
    if (this.store.isRetired) return;
    const observed = freeze(this.observe());
    const plan = (this.#isGone ? planRetirement : decide)(this.spec, observed, this.now);
    for (const line of describePlan({ ...plan, actions: [], wakeAt: null }, this.now)) this.note(line);
    this.plan = plan;
    checkPlan(this, observed, plan);
    if (this.store.commit(plan, this.now)) this.#publish(plan);
    this.#act(plan);
  }

  #publish(plan: Plan): void {
    this.#isDirty = true;
    if (plan.writes.route === undefined) return;
    for (const proxy of this.proxies)
      proxy.tell(this.store.route?.value ?? null, this.store.route?.revision ?? this.store.revision);
  }

  #act(plan: Plan): void {
    const survived = this.dies(plan.actions.length);
    for (const action of plan.actions.slice(0, survived ?? plan.actions.length)) {
      checkAction(this, action);
      if (this.engine.execute(action)) this.note(describeAction(action));
    }
    const { rollout, manual } = plan.memory;
    const weighted = Object.keys(manual?.requested ?? {}).map(
      (v) => `weights-${manual?.weightsRevision}-${v}`,
    );
    this.engine.keepImages([...weighted, ...(rollout === null ? [] : [rollout.id])]);
    if (survived !== null) this.crash();
  }

  #mark(): void {
    this.#isDirty = true;
  }

  #put(line: string): number {
    this.note(`— ${line}`);
    this.#mark();
    return this.store.next();
  }
}
