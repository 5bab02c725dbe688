// Follows the logs of containers that come, go and are restarted: each line once. A stream ends with what ran in its
// container; a later look goes on behind the last line.
import { RuntimeFailure } from '../../deploy/errors.ts';
import type { ContainerRuntime, LogMark } from '../../deploy/runtime.ts';
import type { ContainerState } from '../../strategies/model.ts';
import { rest } from './follow.ts';
import type { Outside } from './outside.ts';

export interface LogSource {
  readonly runtime: ContainerRuntime;
  readonly prefix: string;
  readonly service: string;
  readonly revision: number | null;
  readonly tail: number;
}

export type PrintLine = (container: ContainerState, text: string) => void;

/** Where a stream ended. */
interface Left {
  readonly startedAt: number | null;
  readonly mark: LogMark | null;
  readonly trouble: string | null;
}

const LOOK_AGAIN_MS = 1000;

export async function listContainers(source: LogSource): Promise<readonly ContainerState[]> {
  const all = await source.runtime.list(source.prefix, source.service);
  return all.filter((one) => source.revision === null || one.revision === source.revision);
}

export class LogFollower {
  readonly #outside: Outside;
  readonly #source: LogSource;
  readonly #print: PrintLine;
  readonly #open = new Map<string, Promise<void>>();
  readonly #left = new Map<string, Left>();

  constructor(outside: Outside, source: LogSource, print: PrintLine) {
    this.#outside = outside;
    this.#source = source;
    this.#print = print;
  }

  /** Until Ctrl-C. */
  async run(): Promise<void> {
    const { signal } = this.#outside;
    while (!signal.aborted) {
      for (const container of await listContainers(this.#source)) {
        if (this.#isDue(container)) this.#open.set(container.id, this.#read(container));
      }
      await rest(LOOK_AGAIN_MS, signal);
    }
    await Promise.all(this.#open.values());
  }

  // One that ran and ended between two looks has said something, too: often why.
  #isDue({ id, state, startedAt }: ContainerState): boolean {
    if (this.#open.has(id) || startedAt === null || state === 'dead' || state === 'removing') return false;
    return state === 'running' || this.#left.get(id)?.startedAt !== startedAt;
  }

  async #read(container: ContainerState): Promise<void> {
    const { id, startedAt } = container;
    const former = this.#left.get(id) ?? null;
    let mark = former?.mark ?? null;
    let trouble: string | null = null;
    try {
      const { runtime, tail } = this.#source;
      const options = { tail, after: mark, follow: true, signal: this.#outside.signal };
      for await (const line of runtime.streamLog(id, options)) {
        this.#print(container, line.text);
        mark = line.mark ?? mark;
      }
    } catch (error) {
      trouble = this.#describe(error);
      if (trouble !== null && trouble !== former?.trouble) {
        this.#outside.err.write(`${container.name}: ${trouble}\n`);
      }
    }
    this.#left.set(id, { startedAt, mark, trouble });
    this.#open.delete(id);
  }

  /** Null for what is no trouble: it was told to end, or the container has been removed. */
  #describe(error: unknown): string | null {
    if (this.#outside.signal.aborted) return null;
    if (error instanceof RuntimeFailure && error.code === 'missing') return null;
    return error instanceof Error ? error.message : String(error);
  }
}
