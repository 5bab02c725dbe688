// One container of the fake engine. Its state is a function of its behaviour and the clock, never of a timer, so a test
// may jump hours ahead and look.

import type { CreateRequest } from '../../deploy/runtime.ts';
import type { ContainerState } from '../../strategies/model.ts';

/** `sleep` makes slow stops take their (virtual) time; without it they end at once. */
export interface RuntimeClock {
  now(): number;
  sleep?(ms: number): Promise<void>;
}

export interface FakeImage {
  readonly digest: string;
  readonly reference: string;
  readonly behaviour: Behaviour;
}

/** How containers of an image behave. Everything left out is: starts at once, stays up, passes its probes. */
export interface Behaviour {
  /** From `start` until it runs. */
  readonly startDelayMs?: number;
  /** The engine refuses to start it, with these words (a bad command). */
  readonly startError?: string;
  /** It exits by itself after running so long; the restart policy then brings it back after a second. */
  readonly exitsAfterMs?: number;
  readonly exitCode?: number;
  readonly outOfMemory?: boolean;
  /** Probes fail until it has run so long; `Infinity`: for ever. */
  readonly readyAfterMs?: number;
  /** Probes fail from then on. */
  readonly failsAfterMs?: number;
  /** From SIGTERM to its end; the engine kills it when the grace is over. */
  readonly stopDelayMs?: number;
  readonly healthcheck?: readonly string[];
  readonly log?: readonly string[];
}

export interface FakeContainer {
  readonly id: string;
  readonly request: CreateRequest;
  readonly behaviour: Behaviour;
  readonly address: string | null;
  readonly createdAt: number;
  /** Set by `start`; null for one that was created and never started. */
  startedAt: number | null;
  /** When a stop, a kill or the engine ended it. */
  endedAt: number | null;
  endCode: number | null;
  error: string | null;
}

export const RESTART_DELAY_MS = 1_000;

export function stateOf(container: FakeContainer, now: number): ContainerState {
  return { ...identityOf(container), ...lifeOf(container, now) };
}

function identityOf({ id, request }: FakeContainer) {
  return { id, name: request.name, revision: request.identity.revision, ordinal: request.identity.ordinal };
}

type Life = Omit<ContainerState, 'id' | 'name' | 'revision' | 'ordinal'>;

function lifeOf(container: FakeContainer, now: number): Life {
  const { startedAt, endedAt, behaviour } = container;
  const still = {
    address: null,
    startedAt: null,
    exitCode: null,
    outOfMemory: false,
    restarts: 0,
    error: container.error,
  };
  if (startedAt === null || now < startedAt) return { ...still, state: 'created' };
  if (endedAt !== null && now >= endedAt) {
    return {
      ...still,
      state: 'exited',
      startedAt,
      exitCode: container.endCode,
      restarts: cyclesUntil(container, endedAt),
    };
  }
  return {
    ...still,
    ...cycleOf(container, startedAt, now),
    outOfMemory: hasDied(container, now) && behaviour.outOfMemory === true,
  };
}

function cycleOf(container: FakeContainer, startedAt: number, now: number) {
  const running = {
    state: 'running' as const,
    address: container.address,
    startedAt,
    exitCode: null,
    restarts: 0,
  };
  const lifetime = container.behaviour.exitsAfterMs;
  if (lifetime === undefined || now < startedAt + lifetime) return running;
  const exitCode = container.behaviour.exitCode ?? (container.behaviour.outOfMemory === true ? 137 : 1);
  if (container.request.revision.settings.container.restart === 'no') {
    return { ...running, state: 'exited' as const, address: null, exitCode };
  }
  const restarts = cyclesUntil(container, now);
  const cycleStart = startedAt + restarts * (lifetime + RESTART_DELAY_MS);
  if (now < cycleStart + lifetime) return { ...running, startedAt: cycleStart, restarts };
  return {
    ...running,
    state: 'restarting' as const,
    address: null,
    startedAt: cycleStart,
    exitCode,
    restarts,
  };
}

export function cyclesUntil({ startedAt, behaviour }: FakeContainer, at: number): number {
  if (startedAt === null || behaviour.exitsAfterMs === undefined) return 0;
  return Math.max(0, Math.floor((at - startedAt) / (behaviour.exitsAfterMs + RESTART_DELAY_MS)));
}

export function hasDied(container: FakeContainer, now: number): boolean {
  const { startedAt, behaviour } = container;
  return (
    startedAt !== null && behaviour.exitsAfterMs !== undefined && now >= startedAt + behaviour.exitsAfterMs
  );
}

/** Whether a probe at `now` passes. */
export function isAnswering(container: FakeContainer, now: number): boolean {
  const state = stateOf(container, now);
  if (state.state !== 'running' || state.startedAt === null) return false;
  const age = now - state.startedAt;
  const { readyAfterMs = 0, failsAfterMs = Number.POSITIVE_INFINITY } = container.behaviour;
  return age >= readyAfterMs && age < failsAfterMs;
}
