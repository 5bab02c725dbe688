// Specs for the tests of the core: every default filled in as `src/spec` fills it, with round numbers for the times.
import type { ServiceSpec, StrategySpec } from '../../strategies/model.ts';

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;

type Of<T extends StrategySpec['type']> = Partial<Omit<Extract<StrategySpec, { type: T }>, 'type'>>;

const COMMON = {
  minReadyMs: 5 * SECOND,
  progressDeadlineMs: 10 * MINUTE,
  monitorMs: 30 * SECOND,
  failureAction: 'rollback',
  maxFailureRatio: 0,
} as const;

export function recreate(given: Of<'recreate'> = {}): StrategySpec {
  return { ...COMMON, ...given, type: 'recreate' };
}

/** Start-first, one at a time. */
export function rolling(given: Of<'rolling'> = {}): StrategySpec {
  const settings = { surge: { count: 1 }, unavailable: { count: 0 }, delayMs: 0 };
  return { ...COMMON, ...settings, ...given, type: 'rolling' };
}

export function blueGreen(given: Of<'blue-green'> = {}): StrategySpec {
  const settings = { promotion: 'auto', preview: null, keepOldMs: 5 * MINUTE } as const;
  return { ...COMMON, ...settings, ...given, type: 'blue-green' };
}

/** 10 %, an hour, 50 %, ten minutes. */
export function canary(given: Of<'canary'> = {}): StrategySpec {
  const steps = [
    { kind: 'weight', weight: 10, replicas: null },
    { kind: 'pause', durationMs: HOUR },
    { kind: 'weight', weight: 50, replicas: null },
    { kind: 'pause', durationMs: 10 * MINUTE },
  ] as const;
  return { ...COMMON, steps, ...given, type: 'canary' };
}

export const STRATEGIES = [recreate(), rolling(), blueGreen(), canary()] as const;

const SETTINGS: ServiceSpec['settings'] = {
  port: 8080,
  healthcheck: {
    probe: { kind: 'http', path: '/health', status: [{ from: 200, to: 299 }] },
    intervalMs: 5 * SECOND,
    startIntervalMs: 500,
    timeoutMs: 2 * SECOND,
    retries: 3,
    rise: 2,
    startPeriodMs: 30 * SECOND,
  },
  container: {
    ...{ environment: {}, labels: {}, volumes: [], networks: [], capDrop: [], capAdd: [], securityOpt: [] },
    ...{ tmpfs: [], ulimits: {}, extraHosts: [] },
    stopGracePeriodMs: 10 * SECOND,
    restart: 'unless-stopped',
  },
};

export function specOf(
  strategy: StrategySpec,
  given: Partial<Omit<ServiceSpec, 'strategy'>> = {},
): ServiceSpec {
  return {
    image: 'registry.example.com/shop/web',
    pull: 'missing',
    replicas: 3,
    routes: [{ host: '*', path: '/' }],
    settings: SETTINGS,
    strategy,
    rollback: { parallelism: 0, order: 'start-first' },
    drainTimeoutMs: 30 * SECOND,
    proxy: {
      ...{ timeoutMs: 30 * SECOND, idleTimeoutMs: 60 * SECOND, retries: 1 },
      park: { timeoutMs: 30 * SECOND, maxRequests: 1000 },
      ...{ affinity: null, maxBodyBytes: null, headers: {} },
      ...{
        ejection: { errors: 3, timeMs: 10_000 },
        slowStartMs: null,
        retryPercent: 20,
        assets: [],
        maintenance: null,
      },
    },
    history: 10,
    ...given,
  };
}

/** Other settings: an environment variable more, or another port. */
export function withSettings(spec: ServiceSpec, given: Partial<ServiceSpec['settings']>): ServiceSpec {
  return { ...spec, settings: { ...spec.settings, ...given } };
}
