// docs/metrics.md lists each metric with its labels, and no other; names and labels keep the rules; Prometheus agrees.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createMetrics } from '../../../src/telemetry/metrics.ts';
import { createProxyMetrics } from '../../../src/telemetry/metrics-proxy.ts';
import { type Family, readExposition } from './exposition.ts';
import { BOUNDS, makeFinished, NUMBERS, REPORT } from './samples.ts';

const ALLOWED = new Set(
  'service strategy role revision outcome reason code action state kind phase version digest file le'.split(
    ' ',
  ),
);

async function renderController(): Promise<string> {
  const metrics = createMetrics('1');
  metrics.publish({ service: 'web', strategy: 'canary', report: REPORT });
  metrics.countFinished('web', makeFinished());
  return (await metrics.render()).text;
}

async function renderProxy(): Promise<string> {
  const metrics = createProxyMetrics({ version: '1', bounds: BOUNDS, numbers: () => NUMBERS });
  return (await metrics.render()).text;
}

function readCatalogue(section: string): readonly string[] {
  const text = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8');
  const part = text.split(/^## /m).find((each) => each.startsWith(section)) ?? '';
  const rows = part.matchAll(/^\| `(slipway_\w+)` \| (\w+) \| ([^|]+) \|/gm);
  return [...rows].map(([, name, type, labels = '']) =>
    `${name} ${type} ${labels.replaceAll(/[`,–]/g, '').trim()}`.trim(),
  );
}

function ownOf(text: string): readonly (readonly [string, Family])[] {
  return [...readExposition(text)].filter(([name]) => name.startsWith('slipway_'));
}

describe.each([
  ['Controller', renderController],
  ['Proxy', renderProxy],
])('%s', (section, render) => {
  test('the catalogue is complete and true', async () => {
    const shown = ownOf(await render()).map(([name, { type, series }]) => {
      const labels = Object.keys(series[0]?.labels ?? {}).filter((label) => label !== 'le');
      return `${name} ${type} ${labels.join(' ')}`.trim();
    });
    expect(shown.length).toBeGreaterThan(8);
    expect(readCatalogue(section).toSorted()).toEqual(shown.toSorted());
  });

  test('names carry base units, counters end in _total, labels are known ones', async () => {
    for (const [name, { type, help, series }] of ownOf(await render())) {
      expect(name, name).toMatch(/^slipway_[a-z]+(_[a-z]+)*$/);
      expect(name.endsWith('_total'), name).toBe(type === 'counter');
      if (type === 'histogram') expect(name, name).toMatch(/_seconds$/);
      expect(name, name).not.toMatch(/_(ms|milliseconds|minutes|percent|count|sum|bucket)$/);
      expect(help, name).toMatch(/^[A-Z0-9].*\.$/);
      for (const label of series.flatMap(({ labels }) => Object.keys(labels)))
        expect(ALLOWED, name).toContain(label);
    }
  });

  test('promtool finds nothing wrong', async ({ skip }) => {
    const result = spawnSync('promtool', ['check', 'metrics'], {
      input: await render(),
      encoding: 'utf8',
      timeout: 20_000,
    });
    if (result.error !== undefined) return skip('promtool is not installed');
    const own = result.stderr.split('\n').filter((line) => line.includes('slipway_'));
    expect(own).toEqual([]);
  });
});
