// Resolves a rollout's `image:version` to a digest in the background, one pull at a time per image, and remembers what
// came of it by the rollout's id. Level-triggered and without timers: whoever wants the image asks again at every pass,
// and past `retryAt` a failed one is tried anew.
//
// INVARIANT: once resolved, an id stays resolved to that digest until it is forgotten, however the tag moves.
import type { Action, ImageState, ResolveFailureKind } from '../strategies/model.ts';
import { messageOf, RuntimeFailure } from './errors.ts';
import { imageKey } from './repository.ts';
import type { ContainerRuntime } from './runtime.ts';

export interface ResolverOptions {
  readonly runtime: Pick<ContainerRuntime, 'resolveImage' | 'requireNetworks'>;
  readonly now: () => number;
  /** In [0, 1), for jitter. */
  readonly random: () => number;
  /** The state of this id is another one. */
  readonly onChange: (id: string) => void;
  /** No pull begins after it, and running ones are cancelled. */
  readonly signal: AbortSignal;
}

type Wanted = Omit<Extract<Action, { kind: 'resolve-image' }>, 'kind'>;

interface Attempt {
  readonly cancel: AbortController;
  state: ImageState;
  announcedAt: number;
}

/** Never: what the registry says will not change by asking. `forget` (a new desire, or `retry`) starts anew. */
export const NO_RETRY = Number.MAX_SAFE_INTEGER;
const ABSENT: ImageState = { kind: 'absent' };
const FINAL_TRIES = 3;
const FINAL_TRY_DELAY_MS = 5_000;
const FIRST_DELAY_MS = 2_000;
const LONGEST_DELAY_MS = 60_000;
const ANNOUNCE_EVERY_MS = 1_000;

export class ImageResolver {
  readonly #options: ResolverOptions;
  readonly #attempts = new Map<string, Attempt>();
  /** The last pull of each image: the next one waits for it. */
  readonly #queues = new Map<string, Promise<void>>();

  constructor(options: ResolverOptions) {
    this.#options = options;
  }

  /** Starts an attempt unless one runs, has succeeded, or may not be repeated yet. */
  resolve(wanted: Wanted): void {
    const { id } = wanted;
    const former = this.#attempts.get(id);
    const { now, signal } = this.#options;
    if (signal.aborted) return;
    if (former !== undefined && (former.state.kind !== 'failed' || now() < former.state.retryAt)) return;
    const attempt: Attempt = {
      cancel: new AbortController(),
      state: { kind: 'pulling', progress: '', changedAt: now() },
      announcedAt: now(),
    };
    this.#attempts.set(id, attempt);
    this.#enqueue(imageKey(wanted.image, wanted.version), () =>
      this.#run(wanted, attempt, former?.state ?? ABSENT),
    );
    this.#options.onChange(id);
  }

  state(id: string): ImageState {
    return this.#attempts.get(id)?.state ?? ABSENT;
  }

  /** By id: the states of everything that was asked for. */
  states(): Readonly<Record<string, ImageState>> {
    return Object.fromEntries([...this.#attempts].map(([id, { state }]) => [id, state]));
  }

  /** Cancels what runs for it; the next `resolve` starts from nothing. */
  forget(id: string): void {
    this.#attempts.get(id)?.cancel.abort();
    this.#attempts.delete(id);
  }

  /** Resolves when nothing runs any more. */
  async settled(): Promise<void> {
    while (this.#queues.size > 0) await Promise.all(this.#queues.values());
  }

  #enqueue(key: string, run: () => Promise<void>): void {
    const turn = (this.#queues.get(key) ?? Promise.resolve()).then(run);
    const last = turn.finally(() => {
      if (this.#queues.get(key) === last) this.#queues.delete(key);
    });
    this.#queues.set(key, last);
  }

  async #run(wanted: Wanted, attempt: Attempt, former: ImageState): Promise<void> {
    const { id, image, version, policy, networks } = wanted;
    const signal = AbortSignal.any([this.#options.signal, attempt.cancel.signal]);
    const onProgress = (progress: string) => this.#announce(id, attempt, progress);
    try {
      signal.throwIfAborted();
      await this.#options.runtime.requireNetworks(networks);
      const request = { image, version, policy, onProgress, signal };
      attempt.state = { kind: 'resolved', ...(await this.#options.runtime.resolveImage(request)) };
    } catch (error) {
      attempt.state = signal.aborted || isCancelled(error) ? ABSENT : this.#fail(error, former);
    }
    if (this.#attempts.get(id) !== attempt) return;
    if (attempt.state.kind === 'absent') this.#attempts.delete(id);
    this.#options.onChange(id);
  }

  /** Every new line counts as progress, one a second is announced. */
  #announce(id: string, attempt: Attempt, progress: string): void {
    const now = this.#options.now();
    if (attempt.state.kind !== 'pulling' || this.#attempts.get(id) !== attempt) return;
    if (progress === attempt.state.progress) return;
    attempt.state = { kind: 'pulling', progress, changedAt: now };
    if (now - attempt.announcedAt < ANNOUNCE_EVERY_MS) return;
    attempt.announcedAt = now;
    this.#options.onChange(id);
  }

  #fail(error: unknown, former: ImageState): ImageState {
    const now = this.#options.now();
    const failure = kindOf(error);
    const before = former.kind === 'failed' && former.failure === failure ? former : null;
    const attempts = (before?.attempts ?? 0) + 1;
    const delay = computePullDelay(failure, attempts, this.#options.random());
    const retryAt = delay === null ? NO_RETRY : now + delay;
    return {
      kind: 'failed',
      failure,
      message: messageOf(error),
      attempts,
      firstAt: before?.firstAt ?? now,
      retryAt,
    };
  }
}

/** Leadership went before the pull began: no failure of the image. */
function isCancelled(error: unknown): boolean {
  return error instanceof RuntimeFailure && error.code === 'cancelled';
}

/** What is not the registry's doing (the engine away, a timeout) is retried as the network's. */
function kindOf(error: unknown): ResolveFailureKind {
  if (!(error instanceof RuntimeFailure)) return 'unknown';
  if (error.pull !== null) return error.pull;
  if (error.code === 'network-missing') return error.code;
  if (error.code === 'policy-refused') return 'refused';
  return error.code === 'no-space' ? 'space' : 'network';
}

/**
 * Milliseconds until the next attempt, or null for never. Missing, authentication and refused: three tries, 4 to 5 s
 * apart, so within 15 s. Everything else doubles from 2 s to 60 s, of which the random part is half:
 * attempt 1 → 1–2 s, 2 → 2–4 s, 3 → 4–8 s, … 6 and later → 30–60 s.
 */
export function computePullDelay(
  failure: ResolveFailureKind,
  attempts: number,
  random: number,
): number | null {
  switch (failure) {
    case 'refused':
    case 'missing':
    case 'authentication':
      return attempts >= FINAL_TRIES ? null : FINAL_TRY_DELAY_MS * (0.8 + 0.2 * random);
    case 'rate-limit':
    case 'network':
    case 'network-missing':
    case 'space':
    case 'unknown':
      return Math.min(FIRST_DELAY_MS * 2 ** (attempts - 1), LONGEST_DELAY_MS) * (0.5 + 0.5 * random);
  }
}
