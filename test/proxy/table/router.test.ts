import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Router } from '../../../proxy/table/router.ts';
import type { Service } from '../../../proxy/table/service.ts';
import type { RouteEntry } from '../../../proxy/table/table.ts';

const ANY = { forced: null, preferred: null, tried: null };

function entry(address: string, more: Partial<RouteEntry> = {}): RouteEntry {
  return { routes: [{ host: 'shop.test' }], split: { 1: 100 }, targets: [{ revision: 1, address }], ...more };
}

function found(router: Router, host = 'shop.test'): Service {
  const service = router.find(host, '/');
  if (service === null) throw new Error(`Nothing is routed at ${host}.`);
  return service;
}

describe('a table', () => {
  it('is refused entry by entry: the former one of a bad entry stays', async () => {
    const router = new Router();
    await router.apply({
      version: 1,
      services: { web: entry('a:1'), api: entry('b:1', { routes: [{ host: 'api.test' }] }) },
    });
    const bad = { ...entry('a:2'), split: { 1: 50 } };
    const answer = await router.apply({
      version: 2,
      services: { web: bad, api: entry('b:2', { routes: [{ host: 'api.test' }] }) },
    });
    expect(answer.applied).toBe(2);
    expect(answer.refused).toEqual({
      web: 'split: found {"1":50}, expected weights that sum to 100, not 50',
    });
    expect(found(router).claim(ANY)?.id).toBe('1@a:1');
    expect(found(router, 'api.test').claim(ANY)?.id).toBe('1@b:2');
  });

  it('with a bad entry and no former one leaves that service out', async () => {
    const router = new Router();
    const answer = await router.apply({ version: 1, services: { web: null, 'Bad Name': entry('a:1') } });
    expect(Object.keys(answer.refused)).toEqual(['web', 'Bad Name']);
    expect(router.find('shop.test', '/')).toBeNull();
  });

  it('that is older than the one in force changes nothing', async () => {
    const router = new Router();
    await router.apply({ version: 5, services: { web: entry('a:1') } });
    expect((await router.apply({ version: 4, services: {} })).applied).toBe(5);
    expect(found(router).name).toBe('web');
  });

  it('of version 0, from a snapshot, is served and replaced by any other', async () => {
    const router = new Router();
    await router.apply({ version: 0, services: { web: entry('a:1') } });
    expect(found(router).name).toBe('web');
    expect(router.acknowledgement().applied).toBe(0);
    expect((await router.apply({ version: 1, services: {} })).applied).toBe(1);
    expect(router.find('shop.test', '/')).toBeNull();
  });

  it('gives a host and path to one service: who has it keeps it, the other is refused and told', async () => {
    const router = new Router();
    await router.apply({ version: 1, services: { web: entry('a:1') } });
    const { refused } = await router.apply({
      version: 2,
      services: { api: entry('b:1'), web: entry('a:2') },
    });
    expect(refused).toEqual({ api: 'route shop.test/ belongs to web' });
    expect(found(router).claim(ANY)?.id).toBe('1@a:2');
    expect((await router.apply({ version: 3, services: { api: entry('b:1') } })).refused).toEqual({});
    expect(found(router).name).toBe('api');
  });
});

describe('a service that is in the table and asks for more', () => {
  it.each([
    ['a route of another', { routes: [{ host: 'shop.test' }] }, 'route shop.test/ belongs to web'],
    [
      'a preview host that another has as a route',
      { routes: [], preview: { revision: 1, host: 'shop.test' } },
      'preview host shop.test belongs to web',
    ],
  ])('%s: it is refused, whatever the names', async (_, more, problem) => {
    const router = new Router();
    const web = entry('a:1');
    await router.apply({ version: 1, services: { api: entry('b:1', { routes: [] }), web } });
    const { refused } = await router.apply({ version: 2, services: { api: entry('b:1', more), web } });
    expect(refused).toEqual({ api: problem });
    expect(found(router).name).toBe('web');
    expect(router.findPreview('shop.test')).toBeNull();
  });

  it('gets what another lets go of in the same table', async () => {
    const router = new Router();
    const none = { routes: [] };
    await router.apply({ version: 1, services: { api: entry('b:1', none), web: entry('a:1') } });
    await router.apply({ version: 2, services: { api: entry('b:1'), web: entry('a:1', none) } });
    expect(found(router).name).toBe('api');
  });
});

describe('a table in which most is as before', () => {
  const HOSTS = ['a.test', '*.test', '*'];
  const PATHS = ['/', '/x', '/x/y'];
  const route = fc.record({ host: fc.constantFrom(...HOSTS), path: fc.constantFrom(...PATHS) });
  const preview = fc.record({ revision: fc.constant(1), host: fc.constantFrom('a.test', 'b.test') });
  const change = fc.record({
    name: fc.constantFrom('s1', 's2', 's3', 's4'),
    entry: fc.oneof(
      {
        weight: 8,
        arbitrary: fc.record({ routes: fc.array(route, { maxLength: 3 }), preview: fc.option(preview) }),
      },
      { weight: 1, arbitrary: fc.constant('spoilt') },
      { weight: 1, arbitrary: fc.constant('gone') },
    ),
  });

  it('becomes what it would if everything in it were new to the router, and each step a slice', async () => {
    const changes = fc.array(fc.array(change, { minLength: 1, maxLength: 3 }), {
      minLength: 1,
      maxLength: 8,
    });
    await fc.assert(
      fc.asyncProperty(changes, async (tables) => {
        const [quick, slow] = [new Router(), new Router(0)];
        const services: Record<string, unknown> = {};
        for (const [index, table] of tables.entries()) {
          for (const { name, entry: wanted } of table) {
            if (wanted === 'gone') delete services[name];
            else services[name] = wanted === 'spoilt' ? wanted : { ...entry(`${name}:1`), ...Object(wanted) };
          }
          const version = index + 1;
          const { refused } = await quick.apply({ version, services: { ...services } });
          expect(refused).toEqual(
            (await slow.apply({ version, services: structuredClone(services) })).refused,
          );
          expect(ownersIn(quick)).toEqual(ownersIn(slow));
        }
      }),
    );
  });

  function ownersIn(router: Router): readonly (string | undefined)[] {
    const asked = ['a.test', 'b.test', 'other'].flatMap((host) =>
      PATHS.map((path) => router.find(host, path)),
    );
    return [...asked, router.findPreview('a.test'), router.findPreview('b.test')].map((each) => each?.name);
  }
});

describe('a target that has left the table', () => {
  it('takes no request from that moment, is busy until its last one ends, and is told of at once', async () => {
    const router = new Router();
    const told: unknown[] = [];
    router.onChange(() => told.push(router.acknowledgement().busy));
    await router.apply({ version: 1, services: { web: entry('a:1') } });
    const service = found(router);
    const target = service.claim(ANY);
    service.claim(ANY);
    await router.apply({ version: 2, services: { web: entry('a:2') } });
    expect(target?.claim()).toBe(false);
    expect(service.claim(ANY)?.id).toBe('1@a:2');
    target?.release();
    expect(router.acknowledgement().busy).toEqual({ '1@a:1': 1 });
    target?.release();
    expect(told).toEqual([{}, { '1@a:1': 2 }, {}]);
  });

  it('and comes back is the same target', async () => {
    const router = new Router();
    await router.apply({ version: 1, services: { web: entry('a:1') } });
    const target = found(router).claim(ANY);
    await router.apply({ version: 2, services: { web: entry('a:2') } });
    const answer = await router.apply({ version: 3, services: { web: entry('a:1') } });
    expect(answer.busy).toEqual({});
    expect(found(router).claim(ANY)).toBe(target);
    expect(target?.inFlight).toBe(2);
  });

  it('is still told of when its whole service has gone, and the service may return meanwhile', async () => {
    const router = new Router();
    await router.apply({ version: 1, services: { web: entry('a:1') } });
    const service = found(router);
    const target = service.claim(ANY);
    expect((await router.apply({ version: 2, services: {} })).busy).toEqual({ '1@a:1': 1 });
    expect(router.services()).toEqual([service]);
    await router.apply({ version: 3, services: { web: entry('a:2') } });
    expect(found(router)).toBe(service);
    expect(router.acknowledgement().busy).toEqual({ '1@a:1': 1 });
    await router.apply({ version: 4, services: {} });
    target?.release();
    expect(router.services()).toEqual([]);
  });
});
