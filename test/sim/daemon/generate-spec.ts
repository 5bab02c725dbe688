// A spec as an operator would write it, with times short enough that a world ends soon.

import type { Random } from '../../support/random.ts';
import type { SpecText } from './plot.ts';

export function drawSpec(random: Random): SpecText {
  return {
    image: 'registry.test/app',
    port: 8080,
    replicas: random.pick([1, 1, 2, 2, 3, 3, 4, random.integer(5, 10)]),
    healthcheck: {
      http: '/health',
      interval: random.pick(['5s', '10s']),
      start_interval: random.pick(['250ms', '1s']),
      rise: random.pick([1, 2]),
      retries: random.pick([1, 2, 3]),
      start_period: random.pick(['5s', '20s']),
    },
    stop_grace_period: random.pick(['1s', '10s']),
    restart: random.pick(['unless-stopped', 'unless-stopped', 'no']),
    strategy: drawStrategy(random),
    rollback: {
      parallelism: random.pick([0, 0, 1, 2]),
      order: random.pick(['start-first', 'start-first', 'stop-first']),
    },
    drain_timeout: random.pick(['2s', '10s']),
    history: random.pick([1, 2, 10]),
    ...(random.aside().chance(0.3) ? { proxy: { assets: ['/assets/*'] } } : {}),
  };
}

export function drawStrategy(random: Random): Readonly<Record<string, unknown>> {
  const common = {
    min_ready: random.pick(['0s', '0s', '3s']),
    progress_deadline: random.pick(['45s', '90s']),
    monitor: random.pick(['0s', '0s', '10s']),
    failure_action: random.pick(['rollback', 'rollback', 'rollback', 'pause']),
    max_failure_ratio: random.pick([0, 0, 0, 0.5]),
  };
  switch (random.pick(['recreate', 'rolling', 'rolling', 'blue-green', 'canary', 'canary'])) {
    case 'recreate':
      return { type: 'recreate', ...common };
    case 'rolling':
      return { type: 'rolling', ...common, ...drawBudget(random), delay: random.pick(['0s', '0s', '4s']) };
    case 'blue-green':
      return {
        type: 'blue-green',
        ...common,
        promotion: random.pick(['auto', 'auto', 'manual']),
        keep_old: random.pick(['0s', '10s', '40s']),
        ...(random.chance(0.3) ? { preview: { host: 'preview.example.com' } } : {}),
      };
    default:
      return { type: 'canary', ...common, steps: drawSteps(random) };
  }
}

function drawBudget(random: Random) {
  return random.pick([
    {},
    { parallelism: 2, order: 'start-first' },
    { parallelism: 1, order: 'stop-first' },
    { max_surge: 0, max_unavailable: 1 },
    { max_surge: 2, max_unavailable: 1 },
    { max_surge: '25%', max_unavailable: '25%' },
    { max_surge: 0, max_unavailable: '50%' },
    { max_surge: '100%', max_unavailable: 0 },
  ]);
}

function drawSteps(random: Random): readonly object[] {
  const weights = [random.pick([1, 5, 10]), random.pick([20, 34, 50]), random.pick([60, 75, 100])];
  const steps = weights.slice(0, random.integer(1, 3)).flatMap((weight) => {
    // All traffic on half of the replicas is what its author wants, and no breach.
    const isShort = random.chance(0.25) && weight < 100;
    const replicas = isShort ? { replicas: random.pick([1, '50%']) } : {};
    const pause = random.pick([null, '2s', '10s', '30s', 'manual']);
    return [{ weight, ...replicas }, ...(pause === null ? [] : [{ pause }])];
  });
  const aside = random.aside();
  return aside.chance(0.3) ? [...drawTrial(aside), ...steps] : steps;
}

// Before the first weight the candidate gets those who match, copies, or both.
function drawTrial(random: Random): readonly object[] {
  const match = { match: { cookie: 'beta=1' } };
  const first = random.pick([match, { mirror: 20 }, { ...match, mirror: 50, replicas: 1 }]);
  const pause = random.pick([null, '2s', 'manual']);
  return [first, ...(pause === null ? [] : [{ pause }])];
}
