// The control loop's engine over `deploy`: observer, executor and image resolver behind one port.

import { readLogTail } from '../../deploy/evidence.ts';
import { Executor, type ExecutorOptions } from '../../deploy/execute.ts';
import { ImageResolver } from '../../deploy/image.ts';
import { Observer } from '../../deploy/observe.ts';
import { type Droppable, ImagePruner } from '../../deploy/prune.ts';
import type { ContainerRuntime, Permit, RuntimeEvent } from '../../deploy/runtime.ts';
import type { Action, ContainerState, ImageState } from '../../strategies/model.ts';
import type { Engine } from '../controller/engine.ts';
import { type ActionObserver, timeActions } from './timed.ts';

export interface EngineOptions {
  readonly runtime: ContainerRuntime;
  readonly prefix: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly takePermit: () => Permit;
  readonly mark: (service: string) => void;
  /** It answers again: whatever was looked at in vain has to be looked at anew. */
  readonly onBack: () => void;
  readonly onTrouble: (what: string, error: unknown) => void;
  readonly onAction: ActionObserver;
  readonly onEnded?: ExecutorOptions['onEnded'];
  readonly signal: AbortSignal;
}

/** A busy machine takes its time, and a verdict without its reason helps nobody; traffic does not wait for it. */
const LOG_TIMEOUT_MS = 5_000;

export class DeployEngine implements Engine {
  readonly #options: EngineOptions;
  readonly #observer: Observer;
  readonly #images: ImageResolver;
  readonly #executor: Executor;
  readonly #pruner: ImagePruner;
  /** The id that a rollout resolves its image under → its service. */
  readonly #asked = new Map<string, string>();
  #away: string | null = null;

  constructor(options: EngineOptions) {
    const { prefix, now, takePermit, mark, signal } = options;
    const runtime = timeActions(options.runtime, options.onAction);
    this.#options = options;
    this.#observer = new Observer(options.runtime, prefix);
    this.#pruner = new ImagePruner({
      runtime: options.runtime,
      now,
      onDone: mark,
      onTrouble: options.onTrouble,
    });
    const onChange = (id: string) => this.#markImage(id);
    this.#images = new ImageResolver({ runtime, now, random: Math.random, onChange, signal });
    const images = this.#images;
    const ended = options.onEnded === undefined ? {} : { onEnded: options.onEnded };
    this.#executor = new Executor({ runtime, images, prefix, now, takePermit, onDone: mark, ...ended });
  }

  /** Why the engine does not answer, or null. */
  get away(): string | null {
    return this.#away;
  }

  async observe(service: string): Promise<readonly ContainerState[]> {
    return await this.#ask(() => this.#observer.observe(service));
  }

  async listServices(): Promise<readonly string[]> {
    const all = await this.#ask(() => this.#observer.observe());
    return [...new Set(all.map(({ service }) => service))];
  }

  async confirm(): Promise<void> {
    await this.#ask(() => this.#options.runtime.info(this.#options.signal));
  }

  /** Asks for nothing but an answer. */
  async ping(): Promise<void> {
    await this.confirm().catch(() => undefined);
  }

  note(event: RuntimeEvent): void {
    this.#observer.note(event);
  }

  stopping(service: string): ReadonlySet<string> {
    return this.#executor.stopping(service);
  }

  troubles(service: string) {
    return this.#executor.troubles(service);
  }

  forgetTroubles(service: string): void {
    this.#executor.forgetTroubles(service);
  }

  images(service: string): Readonly<Record<string, ImageState>> {
    const mine = [...this.#asked].filter(([, owner]) => owner === service);
    return Object.fromEntries(mine.map(([id]) => [id, this.#images.state(id)] as const));
  }

  execute(service: string, action: Action): void {
    if (action.kind === 'resolve-image') this.#asked.set(action.id, service);
    this.#executor.execute(service, [action]);
  }

  keepImages(service: string, ids: readonly string[]): void {
    for (const [id, owner] of this.#asked) {
      if (owner !== service || ids.includes(id)) continue;
      this.#asked.delete(id);
      this.#images.forget(id);
    }
  }

  async tailLog(containerId: string): Promise<readonly string[]> {
    const late = new Promise<readonly string[]>((resolve) => {
      setTimeout(() => resolve(['(its log was not read in time)']), LOG_TIMEOUT_MS).unref();
    });
    return await Promise.race([readLogTail(this.#options.runtime, containerId), late]);
  }

  pruneImages(service: string, keep: readonly string[], drop: readonly Droppable[]): ReadonlySet<string> {
    return this.#pruner.prune(service, keep, drop);
  }

  /** Resolves when every action that began has ended. */
  async settled(): Promise<void> {
    await this.#executor.settled();
    await this.#images.settled();
    await this.#pruner.settled();
  }

  #markImage(id: string): void {
    const service = this.#asked.get(id);
    if (service !== undefined) this.#options.mark(service);
  }

  async #ask<T>(call: () => Promise<T>): Promise<T> {
    try {
      const answer = await call();
      const wasAway = this.#away !== null;
      this.#away = null;
      if (wasAway) this.#options.onBack();
      return answer;
    } catch (error) {
      this.#away = error instanceof Error ? error.message : String(error);
      throw error;
    }
  }
}
