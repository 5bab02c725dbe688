// What reaches a candidate besides its weight, and what a service says while it is closed: testers by cookie, copies of
// requests, files that only one of two versions has, maintenance.
import { describe, expect, it } from 'vitest';
import { startLoad } from '../../scripts/load.ts';
import { readValue } from '../src/telemetry/exposition.ts';
import { stand } from '../support/standing.ts';
import { countVersions, visit } from '../support/visitor.ts';
import { waitFor } from '../support/wait.ts';

const VISITS = 40;
const TESTER = { cookie: 'a=b; beta=1' };
const place = stand();
const { given } = place;

async function read(name: string, labels: Readonly<Record<string, string>>): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${place.slipway.ports.proxyAdmin}/metrics`);
  return readValue(await answer.text(), name, labels) ?? 0;
}

describe('a canary with testers and a mirror', () => {
  it('is met by testers alone, then by its share and testers, and copies are nobody’s traffic', async () => {
    const match = { cookie: 'beta=1' };
    const steps = [{ match, mirror: 50 }, { pause: 'manual' }, { weight: 50, match }, { pause: 'manual' }];
    const service = await given({ strategy: 'canary', spec: { replicas: 2 }, tuning: { steps } });
    const load = startLoad(service.target);
    const requested = await service.ask('v2');
    const held = await service.until('the first pause', ({ reason }) => reason === 'waiting-for-promotion');
    expect(held).toMatchObject({
      stable: { weight: { effective: 100 } },
      candidate: { weight: { effective: 0 }, replicas: { ready: 1 } },
      step: { index: 1 },
    });
    expect(await countVersions(service.target, VISITS, TESTER)).toEqual({ v2: VISITS });
    const mirrored = () => read('slipway_proxy_mirrored_total', { service: service.name, code: '2xx' });
    const own = { service: service.name, role: 'candidate', revision: '2', code: '2xx' };
    const answered = await read('slipway_proxy_requests_total', own);
    const copied = await mirrored();
    expect(await countVersions(service.target, VISITS)).toEqual({ v1: VISITS });
    await waitFor('the copies', async () => (await mirrored()) >= copied + VISITS / 2);
    expect(await read('slipway_proxy_requests_total', own)).toBe(answered);
    await service.command('promote');
    await service.until('the second pause', ({ step }) => step?.index === 3);
    expect(await countVersions(service.target, VISITS, TESTER)).toEqual({ v2: VISITS });
    const { v1 = 0, v2 = 0 } = await countVersions(service.target, VISITS);
    expect(Math.min(v1, v2)).toBeGreaterThan(VISITS / 4);
    await service.command('abort');
    expect((await service.finish(requested)).outcome).toBe('aborted');
    expect(await countVersions(service.target, VISITS, TESTER)).toEqual({ v1: VISITS });
    expect((await load.stop()).failures).toEqual([]);
  });
});

describe('assets', () => {
  it('of either version are found before and after a switch, as long as the old one is kept', async () => {
    const spec = { replicas: 1, proxy: { assets: ['/assets/*'] } };
    const tuning = { promotion: 'manual', keep_old: '10m', monitor: '200ms' };
    const service = await given({ strategy: 'blue-green', spec, tuning });
    const ask = async (version: string) => {
      const found = await visit(service.target, {}, `/assets/${version}.js`);
      return [found.status, found.version];
    };
    expect([await ask('v1'), await ask('v2')]).toEqual([
      [200, 'v1'],
      [404, 'v1'],
    ]);
    const requested = await service.ask('v2');
    await service.until('the candidate', ({ reason }) => reason === 'waiting-for-promotion');
    expect([await ask('v1'), await ask('v2')]).toEqual([
      [200, 'v1'],
      [200, 'v2'],
    ]);
    await service.command('promote');
    expect((await service.finish(requested)).outcome).toBe('succeeded');
    await service.until('rest', ({ rollout }) => rollout === null);
    expect([await ask('v1'), await ask('v2'), await ask('v3')]).toEqual([
      [200, 'v1'],
      [200, 'v2'],
      [404, 'v2'],
    ]);
    expect((await service.containers()).length).toBe(2);
  });
});

describe('maintenance', () => {
  it('begins and ends without a rollout, while a health check gets through', async () => {
    const service = await given({ strategy: 'rolling', spec: { replicas: 1 } });
    const before = (await service.containers()).map(({ id }) => id);
    const status = async (path: string) => (await visit(service.target, {}, path)).status;
    await service.apply({ proxy: { maintenance: { message: 'Back at six.', allow: ['/health'] } } });
    await waitFor('the service to be closed', async () => (await status('/')) === 503);
    expect(await status('/health')).toBe(200);
    await service.apply({ proxy: {} });
    await waitFor('the service to be open', async () => (await status('/')) === 200);
    expect((await service.containers()).map(({ id }) => id)).toEqual(before);
    expect((await service.history()).length).toBe(1);
  });
});
