// A whole installation in virtual time: controllers and proxies as processes, one etcd, one machine. Plays a plot, then
// lets the world be fair and expects it to come to its end.

import { buildKeys, classifyKey } from '../../../src/store/keys.ts';
import type { Transaction } from '../../../src/store/port.ts';
import { describeAction, describeRoute } from '../../../strategies/describe.ts';
import type { Action, Plan } from '../../../strategies/model.ts';
import { FakeEtcd } from '../../fakes/store.ts';
import { Random } from '../../support/random.ts';
import { type DaemonEvents, SimDaemon } from './daemon.ts';
import { Judge } from './judge.ts';
import { Machine, PREFIX } from './machine.ts';
import type { Plot, ProxyPlot } from './plot.ts';
import { SimProxyProcess } from './proxy.ts';
import type { EngineCall } from './runtime-client.ts';
import { increase, Tally } from './tally.ts';
import { VirtualTime } from './virtual-time.ts';
import type { Look } from './witness.ts';

export const KEYS = buildKeys(PREFIX);
const TRACE_LINES = 150;

export class SimFleet implements DaemonEvents {
  readonly plot: Plot;
  readonly random: Random;
  readonly time: VirtualTime;
  readonly etcd: FakeEtcd;
  readonly machine: Machine;
  readonly tally = new Tally();
  daemons: SimDaemon[] = [];
  proxies: SimProxyProcess[] = [];
  /** Commits of controllers and calls that changed something, so far. */
  moves = 0;
  /** Counts down the engine calls until the controller dies. */
  dying: { readonly when: 'effect' | 'done'; calls: number } | null = null;
  diesAfterCommit = false;
  readonly #judge: Judge;
  readonly #programs: (SimDaemon | SimProxyProcess)[] = [];
  readonly #owners = new WeakMap<Transaction, SimDaemon>();
  readonly #trace: string[] = [];
  #failure: Error | null = null;
  #ids = 0;

  constructor(plot: Plot) {
    this.plot = plot;
    this.random = new Random(plot.seed ^ 0x5eed);
    this.time = new VirtualTime(plot.seed);
    this.time.install();
    this.etcd = new FakeEtcd({ now: () => this.time.now });
    this.machine = new Machine(this.time, this.random, plot);
    this.#judge = new Judge(this);
    this.#watchCommits();
    for (const proxy of plot.proxies) this.addProxy(proxy);
    for (let i = 0; i < plot.controllers; i += 1) this.addDaemon();
  }

  get alive(): readonly SimDaemon[] {
    return this.daemons.filter(({ gate }) => gate.isAlive);
  }

  get leading(): SimDaemon | null {
    return this.daemons.find((daemon) => daemon.isLeading) ?? null;
  }

  addDaemon(): SimDaemon {
    this.#ids += 1;
    const { etcd, machine, time, plot } = this;
    const { storeMs, engineMs } = plot;
    const daemon = new SimDaemon({
      id: `c${this.#ids}`,
      etcd,
      machine,
      time,
      storeMs,
      engineMs,
      events: this,
    });
    this.daemons = [...this.alive, daemon];
    this.#programs.push(daemon);
    return daemon;
  }

  addProxy(plot: ProxyPlot): void {
    this.#ids += 1;
    const proxy = new SimProxyProcess(`p${this.#ids}`, plot, this.etcd, this.time, this.plot.storeMs);
    this.proxies = [...this.proxies.filter(({ gate }) => gate.isAlive), proxy];
    this.#programs.push(proxy);
  }

  /** It dies, and another one is started a while later. */
  crash(daemon: SimDaemon | null): void {
    if (daemon === null || !daemon.gate.isAlive) return;
    this.note(`${daemon.id} dies`);
    daemon.kill();
    this.time.after(this.random.pick([10, 1000, 8000]), () => this.addDaemon());
  }

  async run(ms: number): Promise<void> {
    await this.time.advance(this.time.now + ms, () => this.#look());
    this.#look();
  }

  /** Every program that ever was in it lets go of what it waits for. */
  async end(): Promise<void> {
    for (const program of this.#programs) program.end();
    await this.time.advance(this.time.now, () => undefined);
    this.time.uninstall();
  }

  #look(): void {
    this.etcd.checkLeases();
    this.#try(() => this.#judge.checkWorld());
    if (this.#failure !== null) throw this.#failure;
  }

  note(text: string): void {
    this.#trace.push(`+${(this.time.now / 1000).toFixed(3)}s ${text}`);
    if (this.#trace.length > 2 * TRACE_LINES) this.#trace.splice(0, TRACE_LINES);
  }

  tail(): string {
    return this.#trace.slice(-TRACE_LINES).join('\n');
  }

  // What the processes do.

  onCommit(daemon: SimDaemon, transaction: Transaction): void {
    this.#owners.set(transaction, daemon);
  }

  onAction(daemonId: string, service: string, action: Action, look: Look): void {
    if (action.kind !== 'resolve-image') this.note(`${daemonId} orders ${describeAction(action)}`);
    this.#try(() => this.#judge.checkOrder(service, action, look));
  }

  onCall(daemon: SimDaemon, call: EngineCall, when: 'made' | 'effect' | 'done'): void {
    this.#try(() => this.#judge.checkCall(daemon, call, when));
    if (when === 'effect') this.moves += 1;
    if (when === 'done') this.note(`  ${call.kind} ${call.subject.replace(/^0+/, '#')} by ${daemon.id}`);
    if (this.dying?.when !== when) return;
    this.dying.calls -= 1;
    if (this.dying.calls > 0) return;
    this.dying = null;
    this.crash(daemon);
  }

  onError(daemon: SimDaemon, message: string, error: unknown): void {
    if (!daemon.gate.isAlive) return;
    const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#try(() => {
      throw new Error(`${daemon.id}: ${message}: ${why}\n${this.tail()}`);
    });
  }

  // Nothing that a check throws may be taken for an error of the program that ran into it.
  #try(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.#failure ??= error instanceof Error ? error : new Error(String(error));
    }
  }

  #watchCommits(): void {
    const transact = this.etcd.transact.bind(this.etcd);
    this.etcd.transact = (transaction) => {
      const daemon = this.#owners.get(transaction);
      if (daemon === undefined) return transact(transaction);
      const service = findService(transaction);
      let after: () => Plan | null = () => null;
      this.#try(() => {
        after = this.#judge.beforeCommit(daemon, transaction, service);
      });
      const commit = transact(transaction);
      if (!commit.ok) return commit;
      this.moves += 1;
      this.#try(() => {
        const plan = after();
        if (plan !== null) this.#tell(daemon, service ?? '', plan);
      });
      if (this.diesAfterCommit) {
        this.diesAfterCommit = false;
        this.crash(daemon);
      }
      return commit;
    };
  }

  #tell(daemon: SimDaemon, service: string, { writes }: Plan): void {
    for (const { strategy, kind, outcome, id, reason } of writes.finished ?? []) {
      increase(this.tally.rollouts, `${strategy} ${kind} → ${outcome}`);
      this.note(`${daemon.id} ${service}: ${id} ends ${outcome}${reason === null ? '' : `, ${reason}`}`);
    }
    if (writes.route !== undefined)
      this.note(`${daemon.id} ${service}: route ${describeRoute(writes.route)}`);
  }
}

function findService({ guards }: Transaction): string | null {
  for (const { key } of guards) {
    const shape = classifyKey(PREFIX, key);
    if (shape.kind === 'rollout') return shape.service;
  }
  return null;
}
