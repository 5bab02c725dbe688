// Holds the simulated daemon to the invariants: those of the core on every decision that landed and every action that
// was ordered, and those that only show between programs, by what etcd, the engine and the proxies really hold.

import { buildKeys } from '../../../src/store/keys.ts';
import type { Transaction } from '../../../src/store/port.ts';
import { EMPTY_MEMORY } from '../../../strategies/decide.ts';
import type { Action, Memory, Plan, RouteEntry } from '../../../strategies/model.ts';
import { identify } from '../../../strategies/world.ts';
import type { FakeEtcd } from '../../fakes/store.ts';
import { breach } from '../breach.ts';
import type { Checked } from '../checked.ts';
import { checkAction, checkPlan } from '../invariants.ts';
import type { SimDaemon } from './daemon.ts';
import { type Machine, PREFIX, toChecked } from './machine.ts';
import type { Plot } from './plot.ts';
import type { SimProxyProcess } from './proxy.ts';
import type { EngineCall } from './runtime-client.ts';
import type { VirtualTime } from './virtual-time.ts';
import type { Look } from './witness.ts';

const KEYS = buildKeys(PREFIX);

export interface Scene {
  readonly plot: Plot;
  readonly time: VirtualTime;
  readonly etcd: FakeEtcd;
  readonly machine: Machine;
  readonly proxies: readonly SimProxyProcess[];
  tail(): string;
}

interface Told {
  readonly service: string;
  /** Of the store, when it was decided. */
  readonly revision: number;
}

export class Judge {
  readonly #scene: Scene;
  /** Digests that were put into quarantine and not let out, by service, whatever the store says. */
  readonly #condemned = new Map<string, Set<string>>();
  /** By container id: the stops that were ordered. */
  readonly #told = new Map<string, Told>();
  /** By service and container: when it was first remembered as on its way out, in the machine's monotonic time. */
  readonly #drains = new Map<string, number>();

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  /** Before a transaction of a controller lands; returns what to check after it. */
  beforeCommit(daemon: SimDaemon, transaction: Transaction, service: string | null): () => Plan | null {
    const { etcd } = this.#scene;
    const look = service === null ? null : daemon.witness.lookOf(service);
    if (service === null || look === null) return () => this.#checkFence(daemon, null);
    const isDecision = transaction.puts.some(({ key }) => key === KEYS.rollout(service));
    const view = isDecision ? this.#view(service, look) : null;
    const before = memoryOf(etcd, service);
    const plan = { ...look.plan, memory: landedMemory(transaction, service) ?? look.plan.memory };
    return () => {
      this.#checkFence(daemon, plan);
      if (view !== null) {
        const observed = { ...look.observed, memory: before };
        checkPlan({ ...view, plan }, observed, plan);
        this.#checkProven(service, look, plan.writes.route ?? null);
      }
      this.#remember(service, plan);
      this.#noteDrains(service, memoryOf(etcd, service), look.madeAt);
      this.#checkBlameless(plan);
      return plan;
    };
  }

  /** As it is ordered. */
  checkOrder(service: string, action: Action, look: Look): void {
    const view = this.#view(service, look);
    if (action.kind === 'stop') {
      this.#told.set(action.id, { service, revision: look.observed.route?.revision ?? 0 });
      this.#checkPatience(look, action.name);
    }
    checkAction(view, action);
  }

  checkCall(daemon: SimDaemon, call: EngineCall, when: 'made' | 'effect' | 'done'): void {
    if (when === 'made' && !daemon.leader.isLeader())
      breach(this.#scene, `${daemon.id} does not lead, and calls ${call.kind} ${call.subject}`);
    if (when !== 'effect') return;
    if (call.kind === 'stop') this.#checkTold(call.subject);
    if (call.kind === 'stop') this.#scene.machine.known(call.subject).wasToldToStop = true;
    const isOurs =
      call.prefix === null ? !this.#scene.machine.isForeign(call.subject) : call.prefix === PREFIX;
    if (!isOurs) breach(this.#scene, `${call.kind} of ${call.subject}, which is not ours`);
  }

  /** At any time: nothing that was told to stop is routed to, by any proxy that runs and had to be known then. */
  checkWorld(): void {
    for (const proxy of this.#scene.proxies) proxy.isReckonedWith(0);
    for (const id of this.#told.keys()) {
      if (this.#scene.machine.known(id).wasToldToStop) this.#checkTold(id);
    }
  }

  #checkTold(id: string): void {
    const told = this.#told.get(id);
    const container = this.#scene.machine.find(id);
    if (told === undefined || container === null || container.state !== 'running') {
      this.#told.delete(id);
      return;
    }
    const target = identify(container.revision, container.address ?? '');
    for (const proxy of this.#scene.proxies) {
      if (!proxy.isReckonedWith(told.revision)) continue;
      if (proxy.plane.names(told.service, target))
        breach(this.#scene, `${proxy.id} routes to ${container.name}, which was told to stop`);
    }
  }

  // By the machine's monotonic time, whatever any clock says: requests in flight are given all of `drain_timeout`.
  #checkPatience(look: Look, name: string): void {
    const { desired, observed, spec } = look;
    const { service } = desired;
    const drained = this.#drains.get(`${service} ${name}`);
    const replica = observed.replicas.find((each) => each.name === name);
    if (drained === undefined || replica?.address == null) return;
    const target = identify(replica.revision, replica.address);
    const isBusy = observed.proxies.some(({ busy }) => Object.hasOwn(busy, target));
    const givenMs = look.madeAt - drained;
    if (isBusy && givenMs < spec.drainTimeoutMs - 1)
      breach(this.#scene, `${name} is stopped with requests in flight after ${givenMs} ms of its drain`);
  }

  // Since when each container has been on its way out, as the store says it.
  #noteDrains(service: string, memory: Memory, at: number): void {
    for (const key of this.#drains.keys()) {
      const [of, name = ''] = key.split(' ');
      if (of === service && !Object.hasOwn(memory.draining, name)) this.#drains.delete(key);
    }
    for (const name of Object.keys(memory.draining)) {
      const key = `${service} ${name}`;
      if (!this.#drains.has(key)) this.#drains.set(key, at);
    }
  }

  // Nothing but the clock and the controllers were disturbed.
  #checkBlameless({ writes }: Plan): void {
    if (!this.#scene.plot.isBlameless) return;
    const bad = writes.finished?.find(({ outcome }) => outcome !== 'succeeded' && outcome !== 'superseded');
    if (bad !== undefined)
      breach(this.#scene, `${bad.id} of a good version ended ${bad.outcome}: ${bad.message}`);
  }

  #view(service: string, look: Look): Checked {
    const { etcd, machine, proxies } = this.#scene;
    const revision = look.observed.route?.revision ?? 0;
    const seen = new Set(look.observed.replicas.map(({ name }) => name));
    const containers = machine.look(service).filter(({ name }) => seen.has(name));
    return {
      spec: look.spec,
      now: look.at,
      plan: look.plan,
      proxies: proxies.filter((proxy) => proxy.isReckonedWith(revision)).map((proxy) => proxy.of(service)),
      engine: { containers: new Map(containers.map((each) => [each.name, toChecked(each, machine)])) },
      store: {
        revision: etcd.revision,
        memory: memoryOf(etcd, service),
        quarantined: [...(this.#condemned.get(service) ?? [])],
        history: etcd.entries(KEYS.histories(service)).map(({ value }) => JSON.parse(value)),
      },
      tail: () => this.#scene.tail(),
    };
  }

  // Only a leader writes: what landed did so while the leader's key was its own.
  #checkFence(daemon: SimDaemon, plan: Plan | null): Plan | null {
    const holder = this.#scene.etcd.value(KEYS.leader);
    if (holder === null || JSON.parse(holder).id !== daemon.id)
      breach(this.#scene, `${daemon.id} wrote although ${holder ?? 'nobody'} leads`);
    return plan;
  }

  // What enters a table has shown that it answers, by the machine's own count.
  #checkProven(service: string, look: Look, route: RouteEntry | null): void {
    const before = (look.observed.route?.value.targets ?? []).map((t) => identify(t.revision, t.address));
    for (const { revision, address } of route?.targets ?? []) {
      if (before.includes(identify(revision, address))) continue;
      const container = this.#scene.machine
        .look(service)
        .find((each) => each.revision === revision && each.address === address);
      if (container === undefined) continue;
      const settings = look.observed.revisions.find(({ number }) => number === revision)?.settings;
      const rise = (settings ?? look.spec.settings).healthcheck.rise;
      const { longestRow } = this.#scene.machine.known(container.id);
      if (longestRow < rise)
        breach(this.#scene, `${container.name} is routed after ${longestRow} good answers of ${rise}`);
    }
  }

  #remember(service: string, { writes }: Plan): void {
    const condemned = this.#condemned.get(service) ?? new Set();
    if (writes.quarantine !== undefined) condemned.add(writes.quarantine.digest);
    if (writes.unquarantine !== undefined) condemned.delete(writes.unquarantine);
    if (writes.retired === true) condemned.clear();
    this.#condemned.set(service, condemned);
  }
}

const memories = new WeakMap<object, Memory>();

export function memoryOf(etcd: FakeEtcd, service: string): Memory {
  const entry = etcd.get(KEYS.rollout(service));
  if (entry === null) return EMPTY_MEMORY;
  const memory = memories.get(entry) ?? parseMemory(entry.value);
  memories.set(entry, memory);
  return memory;
}

function landedMemory({ puts }: Transaction, service: string): Memory | null {
  const put = puts.find(({ key }) => key === KEYS.rollout(service));
  return put === undefined ? null : parseMemory(put.value);
}

/** What is about to land is asked for again when it has. */
let last = { text: '', memory: EMPTY_MEMORY };

function parseMemory(text: string): Memory {
  if (text !== last.text) last = { text, memory: { ...EMPTY_MEMORY, ...JSON.parse(text).memory } };
  return last.memory;
}
