// One controller process: the real control loop, put together as the program does it, over simulated connections.
import { DeployEngine } from '../../../src/app/engine.ts';
import { type Clock, startClock } from '../../../src/controller/clock.ts';
import { Controller } from '../../../src/controller/controller.ts';
import { campaign, type Leader } from '../../../src/controller/leader.ts';
import { Prober } from '../../../src/controller/prober.ts';
import { buildKeys } from '../../../src/store/keys.ts';
import { type Mirror, startMirror } from '../../../src/store/mirror.ts';
import type { Transaction } from '../../../src/store/port.ts';
import { createEventBus } from '../../../src/telemetry/events.ts';
import type { Log } from '../../../src/telemetry/log.ts';
import type { Metrics } from '../../../src/telemetry/metrics.ts';
import type { FakeEtcd } from '../../fakes/store.ts';
import { Gate } from './gate.ts';
import { type Machine, PREFIX } from './machine.ts';
import { type EngineCall, SimRuntimeClient } from './runtime-client.ts';
import { SimStoreClient } from './store-client.ts';
import type { VirtualTime } from './virtual-time.ts';
import { Witness, type WitnessEvents } from './witness.ts';

const KEYS = buildKeys(PREFIX);
const TTL_MS = 5000;

export interface DaemonEvents extends WitnessEvents {
  onCommit(daemon: SimDaemon, transaction: Transaction): void;
  onCall(daemon: SimDaemon, call: EngineCall, when: 'made' | 'effect' | 'done'): void;
  /** What the program itself calls an error. */
  onError(daemon: SimDaemon, message: string, error: unknown): void;
}

export interface DaemonParts {
  readonly id: string;
  readonly etcd: FakeEtcd;
  readonly machine: Machine;
  readonly time: VirtualTime;
  readonly storeMs: number;
  readonly engineMs: number;
  readonly events: DaemonEvents;
}

export class SimDaemon {
  readonly id: string;
  readonly gate = new Gate();
  readonly client: SimStoreClient;
  readonly leader: Leader;
  readonly witness: Witness;
  readonly clock: Clock = startClock();
  readonly #parts: DaemonParts;
  readonly #mirror: Mirror;
  readonly #stop = new AbortController();

  constructor(parts: DaemonParts) {
    const { id, etcd, time, storeMs } = parts;
    this.id = id;
    this.#parts = parts;
    this.client = new SimStoreClient(etcd, this.gate, time, storeMs);
    const { signal } = this.#stop;
    const copied = { prefix: KEYS.root, formerBelow: KEYS.proxies };
    this.#mirror = startMirror({ store: this.client, ...copied, signal });
    const election = { key: KEYS.leader, holder: { id }, ttlMs: TTL_MS };
    this.leader = campaign({ ...election, store: this.client, mirror: this.#mirror, signal });
    this.witness = new Witness(id, parts.events);
    void this.#start();
  }

  get isLeading(): boolean {
    return this.gate.isAlive && this.leader.isLeader();
  }

  kill(): void {
    this.gate.kill();
    this.client.cutOff(true);
  }

  /** The world has ended: nothing that it waits for is held on to. */
  end(): void {
    this.kill();
    this.#stop.abort();
  }

  pause(): void {
    this.gate.pause();
    this.client.freeze(true);
  }

  goOn(): void {
    if (!this.gate.isAlive) return;
    this.client.freeze(false);
    this.gate.goOn();
  }

  async #start(): Promise<void> {
    await this.#mirror.ready();
    const { machine, time, engineMs, events } = this.#parts;
    const runtime = new SimRuntimeClient(machine, this.gate, time, engineMs, {
      onMade: (call) => events.onCall(this, call, 'made'),
      onEffect: (call) => events.onCall(this, call, 'effect'),
      onDone: (call) => events.onCall(this, call, 'done'),
    });
    const { engine, controller } = this.#connect(runtime);
    void runtime.events(
      PREFIX,
      (event) => {
        engine.note(event);
        if (event.service === null) controller.markAll();
        else controller.mark(event.service);
      },
      this.#stop.signal,
    );
    controller.markAll();
  }

  #connect(runtime: SimRuntimeClient) {
    const { machine, time } = this.#parts;
    const { clock } = this;
    const { now } = clock;
    const mark = (service: string): void => controller.mark(service);
    const { signal } = this.#stop;
    const takePermit = () => this.leader.permit();
    const engine = new DeployEngine({
      ...{ runtime, prefix: PREFIX, now, takePermit, mark, signal },
      onBack: () => controller.markAll(),
      onTrouble: () => undefined,
      onAction: () => undefined,
    });
    const prober = new Prober({
      now,
      onChange: mark,
      onTrouble: () => undefined,
      probe: async ({ container }) => {
        await this.gate.pass();
        return machine.probe(container);
      },
    });
    this.witness.attend(engine);
    const controller = new Controller({
      ...{ mirror: this.#mirror, keys: KEYS, leader: this.leader, engine: this.witness, prober, clock },
      store: { commit: (transaction) => this.#commit(transaction) },
      ...{ events: createEventBus(now), metrics: SILENT, log: this.#openLog() },
      review: async () => [],
      onDecision: (decision) => this.witness.note(decision, time.now),
      listRunning: () => engine.listServices(),
    });
    return { engine, controller };
  }

  #commit(transaction: Transaction) {
    this.#parts.events.onCommit(this, transaction);
    return this.client.commit(transaction);
  }

  #openLog(): Log {
    const log: Log = {
      debug: () => undefined,
      info: () => undefined,
      warn: () => undefined,
      error: (message, fields) => this.#parts.events.onError(this, message, fields?.error),
      with: () => log,
    };
    return log;
  }
}

const SILENT: Metrics = {
  publish: () => undefined,
  forget: () => undefined,
  countFinished: () => undefined,
  observeAction: () => undefined,
  observeReconcile: () => undefined,
  countReconcileError: () => undefined,
  setQueueDepth: () => undefined,
  setLeader: () => undefined,
  setStoreConnected: () => undefined,
  setInvalidKeys: () => undefined,
  render: async () => ({ contentType: '', text: '' }),
};
