// What runs, as the engine lists it, with what only its events told: once the restart policy has restarted a container,
// its former exit code and an out-of-memory kill are no longer in any list.
import type { ContainerState } from '../strategies/model.ts';
import type { ContainerRuntime, RuntimeEvent } from './runtime.ts';

export type ObservedContainer = ContainerState & { readonly service: string };

interface Remembered {
  readonly exitCode: number | null;
  readonly outOfMemory: boolean;
}

const NOTHING: Remembered = { exitCode: null, outOfMemory: false };
const MAX_REMEMBERED = 10_000;

export class Observer {
  readonly #runtime: Pick<ContainerRuntime, 'list'>;
  readonly #prefix: string;
  readonly #remembered = new Map<string, Remembered>();

  constructor(runtime: Pick<ContainerRuntime, 'list'>, prefix: string) {
    this.#runtime = runtime;
    this.#prefix = prefix;
  }

  /** To be called with every event of the prefix. */
  note({ kind, containerId, exitCode }: RuntimeEvent): void {
    if (containerId === null) return;
    const known = this.#remembered.get(containerId) ?? NOTHING;
    if (kind === 'destroy') this.#remembered.delete(containerId);
    if (kind === 'exit') this.#remember(containerId, { ...known, exitCode });
    if (kind === 'oom') this.#remember(containerId, { ...known, outOfMemory: true });
  }

  /** All of one service's containers; of all services without one. `exitCode` is the last exit's, also when it runs again. */
  async observe(service?: string): Promise<readonly ObservedContainer[]> {
    const found = await this.#runtime.list(this.#prefix, service);
    if (service === undefined) this.#forgetAllBut(found.map(({ id }) => id));
    return found.map((container) => merge(container, this.#remembered.get(container.id) ?? NOTHING));
  }

  #remember(id: string, remembered: Remembered): void {
    const oldest = this.#remembered.keys().next();
    if (this.#remembered.size >= MAX_REMEMBERED && oldest.done !== true)
      this.#remembered.delete(oldest.value);
    this.#remembered.set(id, remembered);
  }

  #forgetAllBut(ids: readonly string[]): void {
    const present = new Set(ids);
    for (const id of this.#remembered.keys()) if (!present.has(id)) this.#remembered.delete(id);
  }
}

function merge(container: ObservedContainer, { exitCode, outOfMemory }: Remembered): ObservedContainer {
  return {
    ...container,
    exitCode: container.exitCode ?? (container.restarts > 0 ? exitCode : null),
    outOfMemory: container.outOfMemory || outOfMemory,
  };
}
