// From the first release to the last: a first one, a failed first one, freezes, other settings, ports, retirement.
import { describe, expect, it } from 'vitest';
import { EXITS_AT_ONCE, GOOD, MISSING, refusedWith } from './behaviour.ts';
import { ending, endings, given, isIdle, reportOf, saying, standing, weighs, weightOf } from './scenario.ts';
import {
  blueGreen,
  canary,
  HOUR,
  MINUTE,
  recreate,
  rolling,
  SECOND,
  STRATEGIES,
  specOf,
  withSettings,
} from './spec.ts';
import { SimWorld } from './world.ts';

const moves = (world: SimWorld) => world.told().filter((line) => / (start|stop|remove) /.test(line));
const resolves = (world: SimWorld) =>
  world.told().flatMap((line) => / (resolve .*)/.exec(line)?.slice(1) ?? []);

describe.each([recreate(), rolling(), blueGreen({ promotion: 'manual' }), canary()])('$type', (strategy) => {
  it('the first release skips steps, gates and min_ready', () => {
    const world = new SimWorld(specOf(strategy));
    expect(world.plan).toBeNull();
    world.run(0);
    expect(saying(world)).toBe('idle no-version');
    world.release('v1');
    world.run(5 * SECOND);
    expect(standing(world)).toBe('v1×3, route r1 100');
    world.settle();
    expect(endings(world)).toEqual(['v1 succeeded']);
  });

  it('a first release that fails leaves nothing running, says why, and a fix is released', () => {
    const world = new SimWorld(specOf(strategy));
    world.engine.behave('v1', EXITS_AT_ONCE);
    world.release('v1');
    world.settle();
    expect(endings(world)).toEqual(['v1 failed container-exited']);
    expect(standing(world)).toBe('route none');
    expect(saying(world)).toBe('failed container-exited');
    expect(reportOf(world).message).toMatch(/^Nothing runs\. web-r1-1 exited with code 3\.$/);
    world.release('v2');
    world.settle();
    expect(endings(world).at(-1)).toBe('v2 succeeded');
    expect(standing(world)).toBe('v2×3, route r2 100');
  });

  it.each(['settings-refused', 'policy-refused', 'network-missing'] as const)(
    'a first release with a mistake in its spec (%s) bars no image: the corrected one is released',
    (reason) => {
      const world = new SimWorld(specOf({ ...strategy, progressDeadlineMs: MINUTE }));
      world.engine.behave('v1', refusedWith(reason));
      world.release('v1');
      world.settle();
      expect(endings(world)).toEqual([`v1 failed ${reason}`]);
      expect(world.store.quarantined).toEqual([]);
      world.engine.behave('v1', GOOD);
      world.respec(withSettings(world.spec, { port: 9090 }));
      world.settle();
      expect(endings(world).at(-1)).toBe('v1 succeeded');
      expect(standing(world)).toBe('v1×3, route r2 100');
    },
  );

  it('a first release that cannot be pulled fails, too', () => {
    const world = new SimWorld(specOf(strategy));
    world.engine.pull('v1', MISSING);
    world.release('v1');
    world.settle();
    expect(endings(world)).toEqual(['v1 failed image-pull-failed']);
    expect(saying(world)).toBe('failed image-pull-failed');
  });

  it('a first release that is aborted leaves nothing running', () => {
    const world = new SimWorld(specOf(strategy));
    world.release('v1');
    world.run(2 * SECOND);
    world.command('abort');
    world.settle();
    expect(endings(world)).toEqual(['v1 aborted aborted-by-operator']);
    expect(standing(world)).toBe('route none');
    expect(saying(world)).toBe('idle aborted-by-operator');
  });

  it('a first release superseded in its bake is what there is to return to', () => {
    const world = new SimWorld(specOf(strategy));
    world.release('v1');
    world.run(10 * SECOND);
    world.engine.behave('v2', EXITS_AT_ONCE);
    world.release('v2');
    world.settle();
    expect(endings(world)).toEqual(['v1 superseded superseded', 'v2 rolled-back container-exited']);
    expect(standing(world)).toBe('v1×3, route r1 100');
  });
});

describe.each(STRATEGIES)('$type', (strategy) => {
  it('freeze: no new rollout starts, running ones finish, abort passes', () => {
    const world = given(strategy);
    world.release('v2');
    world.run(2 * SECOND);
    world.freeze('sale');
    world.release('v3');
    world.run(5 * HOUR);
    expect(endings(world)).toEqual(['v1 succeeded', 'v2 succeeded']);
    expect(saying(world)).toBe('frozen frozen');
    expect(reportOf(world).message).toBe('Frozen: sale. A request is waiting.');
    for (const word of ['restart', 'retry'] as const) {
      world.command(word);
      world.run(SECOND);
      expect(world.store.memory.answer).toMatchObject({ refused: true, text: 'Frozen: sale' });
    }
    world.freeze(null);
    world.run(5 * HOUR);
    expect(ending(world)).toBe('v3 succeeded');
  });

  it('other settings are a revision of their own, with the same digest', () => {
    const world = given(strategy);
    const { container } = world.spec.settings;
    world.respec(withSettings(world.spec, { container: { ...container, environment: { LEVEL: 'debug' } } }));
    world.settle();
    expect(endings(world)).toEqual(['v1 succeeded', 'v1 succeeded']);
    expect(world.store.revisions.map((r) => `${r.number} ${r.digest} ${r.settingsHash}`)).toEqual([
      '1 sha256:v1 settings-1',
      '2 sha256:v1 settings-2',
    ]);
  });

  it('another repository is a revision of its own, and a way back leads to the former one', () => {
    const world = given(strategy);
    const former = world.spec.image;
    world.respec({ ...world.spec, image: 'mirror.test/web' });
    world.settle();
    world.mark();
    world.command('rollback');
    world.settle();
    expect(endings(world)).toEqual(['v1 succeeded', 'v1 succeeded', 'v1 succeeded']);
    expect(world.store.revisions.map((r) => `${r.number} ${r.image} ${r.reference}`)).toEqual([
      `1 ${former} ${former}@sha256:v1`,
      '2 mirror.test/web mirror.test/web@sha256:v1',
    ]);
    expect(resolves(world)).toEqual([`resolve ${former}:sha256:v1`]);
    expect(standing(world)).toBe('v1×3, route r1 100');
  });

  it('a restart keeps repository and settings of what is stable, whatever was asked and failed since', () => {
    const world = given(strategy);
    const former = world.spec.image;
    world.engine.behave('v1', EXITS_AT_ONCE);
    world.respec(withSettings({ ...world.spec, image: 'mirror.test/web' }, { port: 9090 }));
    world.runUntil(({ store }) => store.history.length === 2);
    world.engine.behave('v1', GOOD);
    world.settle();
    world.mark();
    world.command('restart');
    world.settle();
    world.run(10 * MINUTE);
    expect(resolves(world)).toEqual([`resolve ${former}:sha256:v1`]);
    const [first, , last] = world.store.revisions;
    const { image, settings, settingsHash } = { ...first };
    expect(last).toMatchObject({ number: 3, image, settings, settingsHash, reference: first?.reference });
    expect(standing(world)).toBe('v1 restarted×3, route r3 100');
  });

  it('routes, proxy settings, history and strategy start no rollout', () => {
    const world = given(strategy);
    world.respec({ ...world.spec, history: 5, routes: [{ host: 'shop.example.com', path: '/' }] });
    world.respec({ ...world.spec, proxy: { ...world.spec.proxy, timeoutMs: 90 * SECOND } });
    world.run(HOUR);
    expect(endings(world)).toHaveLength(1);
    expect(moves(world)).toEqual([]);
    expect(world.store.route?.value.routes).toEqual([{ host: 'shop.example.com', path: '/' }]);
    expect(world.store.route?.value.proxy.timeout).toBe('1m30s');
  });

  it('the same version written again succeeds without a move', () => {
    const world = given(strategy);
    world.release('v1');
    world.settle();
    expect(endings(world)).toEqual(['v1 succeeded', 'v1 succeeded']);
    expect(moves(world)).toEqual([]);
  });

  it('the same version written again while it cannot run is no success', () => {
    const world = given({ ...strategy, progressDeadlineMs: MINUTE });
    world.engine.behave('v1', EXITS_AT_ONCE);
    for (const name of [...world.engine.containers.keys()]) world.engine.kill(name);
    world.run(SECOND);
    world.release('v1');
    world.runUntil(isIdle);
    expect(ending(world)).toMatch(/^v1 failed/);
  });

  it('a port that is given up is served until the last replica with it goes', () => {
    const world = given(strategy);
    world.respec(withSettings(world.spec, { port: null }));
    world.settle();
    world.run(10 * MINUTE);
    expect(standing(world)).toBe('v1×3, route gone');
  });

  it('a port that is taken up needs no gate: there was no traffic', () => {
    const world = given(strategy);
    world.respec(withSettings(world.spec, { port: null }));
    world.settle();
    world.respec(withSettings(world.spec, { port: 9090 }));
    world.settle();
    world.run(10 * MINUTE);
    expect(ending(world)).toBe('v1 succeeded');
    expect(standing(world)).toBe('v1×3, route r3 100');
  });

  it.each(STRATEGIES)('a strategy that becomes $type in the middle ends by exchange', (next) => {
    const world = given(strategy);
    world.release('v2');
    world.run(9 * SECOND);
    world.respec({ ...world.spec, strategy: next });
    world.settle();
    world.run(HOUR);
    expect(endings(world)).toEqual(['v1 succeeded', 'v2 succeeded']);
    expect(standing(world)).toBe('v2×3, route r2 100');
  });

  it('retirement: out of the table, drained, stopped, removed, and nothing is left', () => {
    const world = given(strategy);
    world.retire();
    world.run(MINUTE);
    expect(world.told()).toEqual([
      '+0.0s — spec deleted',
      '+0.0s route none',
      '+0.5s stop web-r1-1',
      '+0.5s stop web-r1-2',
      '+0.5s stop web-r1-3',
      '+1.5s route gone',
    ]);
    expect(world.store.isRetired).toBe(true);
    expect(world.engine.containers.size).toBe(0);
  });

  it('retirement in the middle of a rollout leaves nothing either', () => {
    const world = given(strategy);
    world.release('v2');
    world.run(9 * SECOND);
    world.retire();
    world.run(MINUTE);
    expect(world.store.isRetired).toBe(true);
    expect(world.engine.containers.size).toBe(0);
  });
});

describe('a strategy that changes when two of three are replaced', () => {
  it.each([canary(), blueGreen({ promotion: 'manual' })])('to $type takes nothing back', (next) => {
    const world = given(rolling());
    world.release('v2');
    world.runUntil(weighs(2, 67));
    world.respec({ ...world.spec, strategy: next });
    while (!isIdle(world)) {
      world.run(500);
      expect(weightOf(world, 2)).toBeGreaterThanOrEqual(67);
    }
    expect(ending(world)).toBe('v2 succeeded');
  });
});

describe('superseded', () => {
  it('what a superseded candidate carried is kept for as long as stable is short', () => {
    const world = given(rolling());
    world.release('v2');
    world.runUntil(weighs(2, 67));
    world.engine.behave('v3', { ...GOOD, readyAfterMs: 20 * SECOND });
    world.release('v3');
    while (!world.isAtRest()) {
      world.run(200);
      expect(world.store.route?.value.targets.length).toBeGreaterThanOrEqual(3);
    }
    expect(standing(world)).toBe('v3×3, route r3 100');
  });

  it('never stands more than twice the replicas in blue-green', () => {
    const world = given(blueGreen({ promotion: 'manual' }));
    world.engine.traits = { ...world.engine.traits, stopsAfterMs: 8 * SECOND };
    for (const version of ['v2', 'v3', 'v4']) {
      world.release(version);
      world.run(5 * SECOND);
      expect(world.engine.containers.size).toBeLessThanOrEqual(6);
    }
    world.runUntil((w) => saying(w) === 'progressing waiting-for-promotion');
    expect(standing(world)).toBe('v1×3, v4×3, route r1 100');
  });
});
