// A program's connection to the machine's engine: calls take time, fail before or after their effect, and the program
// may die at any of them. Every call that changes something is shown to the world as it is made and as it takes effect.
import type {
  ContainerRuntime,
  CreateRequest,
  LogOptions,
  PullRequest,
  RuntimeEvent,
} from '../../../deploy/runtime.ts';
import type { Gate } from './gate.ts';
import type { Machine } from './machine.ts';
import type { VirtualTime } from './virtual-time.ts';

export interface EngineCall {
  readonly kind: 'start' | 'stop' | 'remove';
  /** The container's name for a start, else its id. */
  readonly subject: string;
  readonly prefix: string | null;
}

export interface CallWatcher {
  onMade(call: EngineCall): void;
  /** Just before the effect. */
  onEffect(call: EngineCall): void;
  /** Just after. */
  onDone(call: EngineCall): void;
}

export class SimRuntimeClient implements ContainerRuntime {
  readonly #machine: Machine;
  readonly #gate: Gate;
  readonly #time: VirtualTime;
  readonly #delayMs: number;
  readonly #watcher: CallWatcher;

  constructor(machine: Machine, gate: Gate, time: VirtualTime, delayMs: number, watcher: CallWatcher) {
    this.#machine = machine;
    this.#gate = gate;
    this.#time = time;
    this.#delayMs = delayMs;
    this.#watcher = watcher;
  }

  info() {
    return this.#call(() => this.#machine.runtime.info());
  }

  list(_prefix: string, service?: string) {
    return this.#call(async () => this.#machine.look(service));
  }

  resolveImage(request: PullRequest) {
    return this.#call(() => this.#machine.resolveImage(request));
  }

  requireNetworks(networks: readonly string[]) {
    return this.#call(() => this.#machine.runtime.requireNetworks(networks));
  }

  start(request: CreateRequest): Promise<void> {
    const { prefix } = request.identity;
    return this.#change({ kind: 'start', subject: request.name, prefix }, async () => {
      await this.#machine.start(request);
    });
  }

  stop(id: string, graceMs: number): Promise<void> {
    return this.#change({ kind: 'stop', subject: id, prefix: null }, () =>
      this.#machine.runtime.stop(id, graceMs),
    );
  }

  remove(id: string): Promise<void> {
    return this.#change({ kind: 'remove', subject: id, prefix: null }, () =>
      this.#machine.runtime.remove(id),
    );
  }

  tailLog(id: string, lines: number) {
    return this.#call(() => this.#machine.runtime.tailLog(id, lines));
  }

  streamLog(id: string, options: LogOptions) {
    return this.#machine.runtime.streamLog(id, options);
  }

  exec(id: string, command: readonly string[]) {
    return this.#call(() => this.#machine.runtime.exec(id, command));
  }

  imageHealthcheck(id: string) {
    return this.#call(() => this.#machine.runtime.imageHealthcheck(id));
  }

  pruneImages(image: string, keep: readonly string[], drop: readonly string[]) {
    return this.#call(() => this.#machine.runtime.pruneImages(image, keep, drop));
  }

  async events(prefix: string, listener: (event: RuntimeEvent) => void, signal: AbortSignal): Promise<void> {
    const hear = async (event: RuntimeEvent): Promise<void> => {
      await this.#gate.pass();
      listener(event);
    };
    await this.#machine.runtime.events(
      prefix,
      (event) => this.#machine.tell(event, (told) => void hear(told)),
      signal,
    );
  }

  async #change(call: EngineCall, run: () => Promise<void>): Promise<void> {
    this.#watcher.onMade(call);
    await this.#call(async () => {
      this.#watcher.onEffect(call);
      await run();
      this.#watcher.onDone(call);
      this.#machine.checkReply();
    });
  }

  async #call<T>(run: () => Promise<T>): Promise<T> {
    await this.#gate.pass();
    await this.#time.sleep(this.#delayMs + this.#machine.faults.slowMs);
    await this.#gate.pass();
    this.#machine.check();
    try {
      return await run();
    } finally {
      await this.#gate.pass();
    }
  }
}
