// A table that takes long: what requests see of it meanwhile, and when it is acknowledged. Every step is a slice here.
import { setImmediate } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { Router } from '../../../proxy/table/router.ts';
import type { Target } from '../../../proxy/table/target.ts';

const ANY = { forced: null, preferred: null, tried: null };
const NAMES = ['api', 'shop', 'web'];

let router: Router;
beforeEach(() => {
  router = new Router(0);
});

function entry(name: string, address: string) {
  return {
    routes: [{ host: `${name}.test` }],
    split: { 1: 100 },
    targets: [{ revision: 1, address }],
    proxy: { headers: { table: address } },
  };
}

/** Every service at `address:1`. */
function tableAt(address: string, names: readonly string[] = NAMES) {
  return Object.fromEntries(names.map((name) => [name, entry(name, `${address}:1`)]));
}

function claim(name: string): Target | null {
  return router.find(`${name}.test`, '/')?.claim(ANY) ?? null;
}

/** What a request would get at each host: its target, and the settings. */
function look(names: readonly string[]): readonly string[] {
  return names.map((name) => {
    const target = claim(name);
    target?.release();
    return `${target?.id} ${router.find(`${name}.test`, '/')?.settings.headers.at(-1)}`;
  });
}

/** Looks after every turn of the event loop until it is done. Every view once, in order. */
async function watch<T>(done: Promise<unknown>, see: () => T): Promise<readonly T[]> {
  const seen = [see()];
  let isDone = false;
  const ended = done.finally(() => {
    isDone = true;
  });
  while (!isDone) {
    const next = see();
    if (JSON.stringify(next) !== JSON.stringify(seen.at(-1))) seen.push(next);
    await setImmediate();
  }
  await ended;
  return seen;
}

describe('a table that is swapped in slices', () => {
  it('is seen whole or not at all, by every request, and acknowledged later', async () => {
    await router.apply({ version: 1, services: tableAt('a', ['api', 'shop', 'old']) });
    const services = { ...tableAt('b', ['api', 'shop', 'new']), Bad: {} };
    const changing = router.apply({ version: 2, services });
    const seen = await watch(changing, () => ({
      said: router.acknowledgement(),
      services: look(['api', 'shop', 'old', 'new']),
    }));
    const former = { applied: 1, busy: {}, refused: {} };
    const [a, b, none] = ['1@a:1 a:1', '1@b:1 b:1', 'undefined undefined'];
    expect(seen).toEqual([
      { said: former, services: [a, a, a, none] },
      { said: former, services: [b, b, none, b] },
    ]);
    expect(await changing).toEqual({ applied: 2, busy: {}, refused: { Bad: expect.any(String) } });
  });

  it('gives no request to a target that has left it, before the acknowledgement that tells of it', async () => {
    await router.apply({ version: 1, services: tableAt('a') });
    const targets = NAMES.map(claim);
    const service = router.find('web.test', '/');
    const changing = router.apply({ version: 2, services: tableAt('b', ['api', 'shop']) });
    const seen = await watch(changing, () => [
      router.version,
      service?.routed,
      router.acknowledgement().applied,
    ]);
    expect(seen).toEqual([
      [1, true, 1],
      [2, false, 1],
    ]);
    expect(await changing).toEqual({ applied: 2, busy: { '1@a:1': 3 }, refused: {} });
    expect(targets.map((target) => target?.claim())).toEqual([false, false, false]);
  });

  it('takes targets away from a service that nobody asks', async () => {
    await router.apply({ version: 1, services: tableAt('a') });
    const target = claim('web');
    await router.apply({
      version: 2,
      services: { ...tableAt('b'), web: { ...entry('web', 'c:1'), targets: [] } },
    });
    expect(target?.claim()).toBe(false);
    expect(router.find('web.test', '/')?.targets.held).toEqual([]);
  });

  it('wakes those who wait for it', async () => {
    await router.apply({ version: 1, services: tableAt('a') });
    const woken = NAMES.map((name) => router.find(`${name}.test`, '/')?.lot.stay({}, 60_000));
    await router.apply({ version: 2, services: tableAt('b', ['api', 'shop']) });
    await Promise.all(woken);
    expect(NAMES.map((name) => claim(name)?.id)).toEqual(['1@b:1', '1@b:1', undefined]);
  });

  it('is followed by the next one, in the order in which they came', async () => {
    await router.apply({ version: 1, services: tableAt('a') });
    const second = router.apply({ version: 2, services: tableAt('b') });
    const third = router.apply({ version: 3, services: { ...tableAt('c'), bad: null } });
    const seen = await watch(third, () => look(['web'])[0]);
    expect(seen).toEqual(['1@a:1 a:1', '1@b:1 b:1', '1@c:1 c:1']);
    expect((await second).applied).toBe(2);
    expect(await third).toMatchObject({ applied: 3, refused: { bad: expect.any(String) } });
  });

  it('is not undone by an older one that comes meanwhile, which is answered once the newer one is in force', async () => {
    await router.apply({ version: 1, services: tableAt('a') });
    const newer = router.apply({ version: 3, services: tableAt('c') });
    const older = router.apply({ version: 2, services: tableAt('b') });
    expect(await watch(older, () => look(['web'])[0])).toEqual(['1@a:1 a:1', '1@c:1 c:1']);
    expect([(await newer).applied, (await older).applied]).toEqual([3, 3]);
  });

  it('may bring back a service whose last request ends meanwhile', async () => {
    await router.apply({ version: 1, services: tableAt('a') });
    const target = claim('web');
    await router.apply({ version: 2, services: {} });
    const changing = router.apply({ version: 3, services: tableAt('b') });
    await setImmediate();
    target?.release();
    await changing;
    expect(look(NAMES)).toEqual(Array(3).fill('1@b:1 b:1'));
    expect(router.services().map(({ name }) => name)).toEqual(NAMES);
  });

  it('tells of itself once, when all of it is in force', async () => {
    await router.apply({ version: 1, services: tableAt('a') });
    const told: unknown[] = [];
    router.onChange(() => told.push([router.acknowledgement().applied, ...look(NAMES)]));
    await router.apply({ version: 2, services: tableAt('b') });
    expect(told).toEqual([[2, ...Array(3).fill('1@b:1 b:1')]]);
  });
});

describe('a table that takes no longer than a slice', () => {
  it('is in force in the same turn', () => {
    router = new Router(Number.POSITIVE_INFINITY);
    void router.apply({ version: 1, services: tableAt('a') });
    expect(router.acknowledgement().applied).toBe(1);
    expect(look(NAMES)).toEqual(Array(3).fill('1@a:1 a:1'));
  });
});
