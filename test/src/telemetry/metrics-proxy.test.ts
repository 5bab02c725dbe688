// The proxy's numbers as Prometheus reads them.
import { describe, expect, test } from 'vitest';
import { createProxyMetrics } from '../../../src/telemetry/metrics-proxy.ts';
import { formatFamilies, listHistogram } from '../../../src/telemetry/metrics-text.ts';
import { readExposition, readValue } from './exposition.ts';
import { BOUNDS, NUMBERS } from './samples.ts';

async function render(numbers = NUMBERS): Promise<string> {
  const metrics = createProxyMetrics({ version: '1.2.3', bounds: BOUNDS, numbers: () => numbers });
  return (await metrics.render()).text;
}

describe('requests', () => {
  const own = { service: 'web', role: 'stable', revision: '3' };
  test.each([
    ['of a revision', { ...own, code: '2xx' }, 90],
    ['of a revision, none', { ...own, code: '1xx' }, 0],
    ['answered by the proxy for a service', { service: 'web', role: '', revision: '', code: '5xx' }, 3],
    ['of no service', { service: '', role: '', revision: '', code: '4xx' }, 5],
  ])('%s', async (_rule, labels, value) => {
    expect(readValue(await render(), 'slipway_proxy_requests_total', labels)).toBe(value);
  });

  test('buckets add up', async () => {
    const text = await render();
    const bucket = (le: string) => readValue(text, 'slipway_proxy_request_seconds_bucket', { ...own, le });
    expect([bucket('0.1'), bucket('1'), bucket('+Inf')]).toEqual([50, 90, 96]);
    expect(readValue(text, 'slipway_proxy_request_seconds_count', own)).toBe(96);
    expect(readValue(text, 'slipway_proxy_request_seconds_sum', own)).toBe(12.5);
  });
});

test('the rest', async () => {
  const text = await render();
  expect(readValue(text, 'slipway_proxy_in_flight', { service: 'web', revision: '3' })).toBe(4);
  expect(readValue(text, 'slipway_proxy_parked', { service: 'web' })).toBe(2);
  const errors = { service: 'web', revision: '3' };
  expect(readValue(text, 'slipway_proxy_upstream_errors_total', { ...errors, reason: 'reset' })).toBe(1);
  expect(readValue(text, 'slipway_proxy_upstream_errors_total', { ...errors, reason: 'timeout' })).toBe(0);
  expect(readValue(text, 'slipway_proxy_retries_total', { service: 'web' })).toBe(1);
  expect(readValue(text, 'slipway_proxy_connections')).toBe(7);
  const refused = (reason: string) => readValue(text, 'slipway_proxy_connections_refused_total', { reason });
  expect([refused('limit'), refused('address-limit')]).toEqual([0, 2]);
  expect(readValue(text, 'slipway_proxy_table_version')).toBe(42);
  expect(readValue(text, 'slipway_build_info', { version: '1.2.3' })).toBe(1);
});

test('an empty table still has its process series', async () => {
  const text = await render({ ...NUMBERS, services: {} });
  expect(text).not.toContain('service="web"');
  expect(readExposition(text).get('slipway_proxy_in_flight')?.series).toEqual([]);
  expect(readValue(text, 'slipway_proxy_connections')).toBe(7);
});

test('a scrape asks anew, and fails when the proxy does', async () => {
  let connections = 0;
  const numbers = () => {
    connections += 1;
    return { ...NUMBERS, connections };
  };
  const metrics = createProxyMetrics({ version: '1', bounds: BOUNDS, numbers });
  await metrics.render();
  expect(readValue((await metrics.render()).text, 'slipway_proxy_connections')).toBe(2);
  const broken = createProxyMetrics({
    version: '1',
    bounds: BOUNDS,
    numbers: () => Promise.reject(new Error('gone')),
  });
  await expect(broken.render()).rejects.toThrow('gone');
});

describe('the text format', () => {
  test('worked example: bounds 1 and 5, counts 2, 1, 4', () => {
    const samples = listHistogram({}, [1, 5], [2, 1, 4], 30);
    expect(samples.map(({ value }) => value)).toEqual([2, 3, 7, 30, 7]);
  });

  test('label values are escaped', () => {
    const text = formatFamilies([
      { name: 'a', type: 'gauge', help: 'A.', samples: [{ labels: { x: 'q"\\\n' }, value: 1 }] },
    ]);
    expect(text).toBe('# HELP a A.\n# TYPE a gauge\na{x="q\\"\\\\\\n"} 1\n');
  });
});
