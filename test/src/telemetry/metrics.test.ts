// The controller's metrics: series from start-up, at 0; gone with their service and revision.
import { describe, expect, test } from 'vitest';
import { createMetrics } from '../../../src/telemetry/metrics.ts';
import { readExposition, readValue } from './exposition.ts';
import { IDLE, makeFinished, REPORT } from './samples.ts';

async function render(metrics: ReturnType<typeof createMetrics>): Promise<string> {
  return (await metrics.render()).text;
}

describe('before any service is known', () => {
  test('the process has its series, at 0', async () => {
    const text = await render(createMetrics('1.2.3'));
    expect(readValue(text, 'slipway_build_info', { version: '1.2.3' })).toBe(1);
    for (const name of [
      'leader',
      'store_connected',
      'store_invalid_keys',
      'queue_depth',
      'reconcile_seconds_count',
    ]) {
      expect(readValue(text, `slipway_${name}`), name).toBe(0);
    }
    expect(readValue(text, 'slipway_reconcile_errors_total', { reason: 'bug' })).toBe(0);
    const labels = { action: 'start', outcome: 'failed' };
    expect(readValue(text, 'slipway_container_action_seconds_count', labels)).toBe(0);
    expect(readExposition(text).get('process_cpu_seconds_total')?.series).toHaveLength(1);
  });

  test('two of them share nothing', async () => {
    const [one, two] = [createMetrics('1'), createMetrics('1')];
    one.setLeader(true);
    expect(readValue(await render(two), 'slipway_leader')).toBe(0);
  });
});

describe('a service in a canary', () => {
  test('shows phase, step, weights, replicas and revisions', async () => {
    const metrics = createMetrics('1');
    metrics.publish({ service: 'web', strategy: 'canary', report: REPORT });
    const text = await render(metrics);
    expect(readValue(text, 'slipway_rollout_phase', { service: 'web', phase: 'progressing' })).toBe(1);
    expect(readValue(text, 'slipway_rollout_phase', { service: 'web', phase: 'idle' })).toBe(0);
    expect(readExposition(text).get('slipway_rollout_phase')?.series).toHaveLength(9);
    expect(readValue(text, 'slipway_rollout_step', { service: 'web' })).toBe(2);
    expect(readValue(text, 'slipway_rollout_steps', { service: 'web' })).toBe(5);
    const weight = { service: 'web', role: 'candidate' };
    expect(readValue(text, 'slipway_traffic_weight', { ...weight, kind: 'desired' })).toBe(10);
    expect(readValue(text, 'slipway_traffic_weight', { ...weight, kind: 'effective' })).toBe(0);
    expect(readValue(text, 'slipway_replicas', { service: 'web', role: 'stable', state: 'total' })).toBe(4);
    const info = { service: 'web', role: 'candidate', revision: '4', version: 'v2', digest: 'sha256:bb' };
    expect(readValue(text, 'slipway_revision_info', info)).toBe(1);
  });

  test('has every outcome of its strategy at 0 before the first rollout ends', async () => {
    const metrics = createMetrics('1');
    metrics.publish({ service: 'web', strategy: 'canary', report: REPORT });
    const series = readExposition(await render(metrics)).get('slipway_rollouts_total')?.series ?? [];
    expect(series.map(({ labels, value }) => `${labels.strategy} ${labels.outcome} ${value}`)).toEqual([
      'canary succeeded 0',
      'canary rolled-back 0',
      'canary failed 0',
      'canary superseded 0',
      'canary aborted 0',
    ]);
  });

  test('that no valid spec has named a strategy for has series of none', async () => {
    const metrics = createMetrics('1');
    metrics.publish({ service: 'web', strategy: null, report: IDLE });
    expect(await render(metrics)).not.toContain('strategy="');
    metrics.publish({ service: 'web', strategy: 'canary', report: IDLE });
    metrics.publish({ service: 'web', strategy: null, report: IDLE });
    const labels = { service: 'web', strategy: 'canary', outcome: 'failed' };
    expect(readValue(await render(metrics), 'slipway_rollouts_total', labels)).toBe(0);
  });

  test('when it ends, the revision that left takes its series along', async () => {
    const metrics = createMetrics('1');
    metrics.publish({ service: 'web', strategy: 'canary', report: REPORT });
    metrics.publish({ service: 'web', strategy: 'canary', report: IDLE });
    const text = await render(metrics);
    expect(
      readExposition(text)
        .get('slipway_revision_info')
        ?.series.map(({ labels }) => labels.revision),
    ).toEqual(['3']);
    expect(
      readValue(text, 'slipway_traffic_weight', { service: 'web', role: 'candidate', kind: 'desired' }),
    ).toBe(0);
    expect(readValue(text, 'slipway_rollout_step', { service: 'web' })).toBe(0);
  });
});

describe('a finished rollout', () => {
  test('is counted with its time, and keeps its count when the strategy changes and comes back', async () => {
    const metrics = createMetrics('1');
    const labels = { service: 'web', strategy: 'canary', outcome: 'succeeded' };
    for (const strategy of ['canary', 'rolling', 'canary'] as const) {
      metrics.publish({ service: 'web', strategy, report: IDLE });
      if (strategy === 'canary') metrics.countFinished('web', makeFinished());
    }
    const text = await render(metrics);
    expect(readValue(text, 'slipway_rollouts_total', labels)).toBe(2);
    expect(readValue(text, 'slipway_rollout_duration_seconds_count', labels)).toBe(2);
    expect(readValue(text, 'slipway_rollout_duration_seconds_sum', labels)).toBe(90);
    expect(readValue(text, 'slipway_rollouts_total', { ...labels, strategy: 'rolling' })).toBe(0);
  });

  test('that ends before its service was ever published is kept', async () => {
    const metrics = createMetrics('1');
    metrics.countFinished('web', makeFinished());
    metrics.publish({ service: 'web', strategy: 'canary', report: IDLE });
    const labels = { service: 'web', strategy: 'canary', outcome: 'succeeded' };
    expect(readValue(await render(metrics), 'slipway_rollout_duration_seconds_count', labels)).toBe(1);
  });
});

test('a retired service leaves no series, and others stay', async () => {
  const metrics = createMetrics('1');
  for (const service of ['web', 'shop']) {
    metrics.publish({ service, strategy: 'canary', report: REPORT });
    metrics.publish({ service, strategy: 'rolling', report: IDLE });
    metrics.countFinished(service, makeFinished());
  }
  metrics.forget('web');
  const text = await render(metrics);
  expect(text).not.toContain('service="web"');
  expect(text).toContain('service="shop"');
  metrics.publish({ service: 'web', strategy: 'canary', report: REPORT });
  const labels = { service: 'web', strategy: 'canary', outcome: 'succeeded' };
  expect(readValue(await render(metrics), 'slipway_rollouts_total', labels)).toBe(0);
  expect(readValue(await render(metrics), 'slipway_rollout_duration_seconds_count', labels)).toBe(0);
});

test('what the loop reports is shown', async () => {
  const metrics = createMetrics('1');
  metrics.observeAction('stop', 'succeeded', 3);
  metrics.observeReconcile(0.02);
  metrics.countReconcileError('transient');
  metrics.setQueueDepth(4);
  metrics.setLeader(true);
  metrics.setStoreConnected(true);
  metrics.setInvalidKeys(2);
  const text = await render(metrics);
  const action = { action: 'stop', outcome: 'succeeded' };
  expect(readValue(text, 'slipway_container_action_seconds_sum', action)).toBe(3);
  expect(readValue(text, 'slipway_reconcile_seconds_count')).toBe(1);
  expect(readValue(text, 'slipway_reconcile_errors_total', { reason: 'transient' })).toBe(1);
  expect(readValue(text, 'slipway_queue_depth')).toBe(4);
  expect(readValue(text, 'slipway_leader')).toBe(1);
  expect(readValue(text, 'slipway_store_connected')).toBe(1);
  expect(readValue(text, 'slipway_store_invalid_keys')).toBe(2);
  metrics.setLeader(false);
  expect(readValue(await render(metrics), 'slipway_leader')).toBe(0);
});
