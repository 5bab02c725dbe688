// Who reaches which version: a preview before it is live, the old one kept warm for the way back, and visitors that stay
// on the version that they met.
import { describe, expect, it } from 'vitest';
import { startLoad } from '../../scripts/load.ts';
import type { LoadTarget } from '../../scripts/load-exchange.ts';
import { uniqueName } from '../support/names.ts';
import type { Service } from '../support/service.ts';
import { stand } from '../support/standing.ts';
import { countVersions, visit } from '../support/visitor.ts';

const VISITS = 40;
const HEADER = { 'x-preview': 'yes' };
const place = stand();
const { given } = place;

/** Until v2 waits to be promoted. */
async function hold(service: Service): Promise<number> {
  const requested = await service.ask('v2');
  await service.until(
    'the wait for promotion',
    ({ reason, candidate }) => reason === 'waiting-for-promotion' && candidate?.replicas.ready === 2,
  );
  return requested;
}

describe('a preview', () => {
  const options = { strategy: 'blue-green', spec: { replicas: 2 } } as const;

  it('host leads to the candidate until it is live, and nobody else does', async () => {
    const preview: LoadTarget = { port: place.slipway.ports.http, host: `${uniqueName('preview')}.test` };
    const tuning = { promotion: 'manual', preview: { host: preview.host } };
    const service = await given({ ...options, tuning });
    expect(await countVersions(preview, 1)).toEqual({ 404: 1 });
    const requested = await hold(service);
    expect(await countVersions(preview, VISITS)).toEqual({ v2: VISITS });
    expect(await countVersions(service.target, VISITS)).toEqual({ v1: VISITS });
    await service.command('promote');
    expect((await service.finish(requested)).outcome).toBe('succeeded');
    expect(await countVersions(service.target, VISITS)).toEqual({ v2: VISITS });
    expect(await countVersions(preview, 1)).toEqual({ 404: 1 });
  });

  it('header leads to the candidate on the service’s own host, with its very value', async () => {
    const tuning = { promotion: 'manual', preview: { header: 'X-Preview: yes' } };
    const service = await given({ ...options, tuning });
    expect(await countVersions(service.target, 1, HEADER)).toEqual({ v1: 1 });
    const requested = await hold(service);
    expect(await countVersions(service.target, VISITS, HEADER)).toEqual({ v2: VISITS });
    expect(await countVersions(service.target, VISITS)).toEqual({ v1: VISITS });
    expect(await countVersions(service.target, VISITS, { 'x-preview': 'no' })).toEqual({ v1: VISITS });
    await service.command('abort');
    expect((await service.finish(requested)).outcome).toBe('aborted');
    expect(await countVersions(service.target, VISITS, HEADER)).toEqual({ v1: VISITS });
  });
});

describe('keep_old', () => {
  it('keeps the old replicas out of traffic, and the way back starts none', async () => {
    const tuning = { keep_old: '10m', monitor: '200ms' };
    const service = await given({ strategy: 'blue-green', spec: { replicas: 2 }, tuning });
    const old = (await service.containers()).map(({ id }) => id);
    const load = startLoad(service.target);
    await service.succeed('v2');
    const after = await service.containers();
    expect(after.map(({ state }) => state)).toEqual(Array(4).fill('running'));
    expect(after.map(({ id }) => id)).toEqual(expect.arrayContaining(old));
    expect(await countVersions(service.target, VISITS)).toEqual({ v2: VISITS });
    await service.command('rollback');
    const back = await service.until(
      'v1',
      ({ stable, rollout }) => rollout === null && stable?.version === 'v1',
    );
    expect(back.last).toMatchObject({ kind: 'rollback', outcome: 'succeeded', revision: 1 });
    expect(await countVersions(service.target, VISITS)).toEqual({ v1: VISITS });
    const serving = (await service.containers()).filter(({ revision }) => revision === 1);
    expect(serving.map(({ id }) => id)).toEqual(old);
    expect((await load.stop()).failures).toEqual([]);
  });
});

describe('affinity', () => {
  it('keeps a visitor with the cookie on its version while that has weight, and no longer', async () => {
    const spec = { replicas: 2, proxy: { affinity: { cookie: 'stick', ttl: '10m' } } };
    const tuning = { steps: [{ weight: 50, replicas: 2 }, { pause: 'manual' }] };
    const service = await given({ strategy: 'canary', spec, tuning });
    const requested = await hold(service);
    const [one, other] = [await visit(service.target), await visit(service.target)];
    expect([one.version, other.version].sort()).toEqual(['v1', 'v2']);
    for (const { version, cookie } of [one, other]) {
      expect(cookie).toMatch(/^stick=\d+; Path=\/; Max-Age=600; HttpOnly; SameSite=Lax$/);
      const headers = { cookie: cookie?.split(';')[0] ?? '' };
      expect(await countVersions(service.target, VISITS, headers)).toEqual({ [version ?? '']: VISITS });
    }
    const halves = { v1: VISITS / 2, v2: VISITS / 2 };
    expect(await countVersions(service.target, VISITS)).toEqual(halves);
    await service.command('abort');
    expect((await service.finish(requested)).outcome).toBe('aborted');
    const leaver = one.version === 'v2' ? one : other;
    const moved = await visit(service.target, { cookie: leaver.cookie?.split(';')[0] ?? '' });
    expect(moved).toEqual({ status: 200, version: 'v1', cookie: expect.stringContaining('stick=1;') });
  });
});
