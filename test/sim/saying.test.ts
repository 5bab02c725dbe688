// What a person is told where two things would be said at once.
import { describe, expect, it } from 'vitest';
import { EXITS_AT_ONCE, MISSING } from './behaviour.ts';
import { given, isIdle, reportOf, saying, says, standing } from './scenario.ts';
import { MINUTE, rolling, SECOND } from './spec.ts';

describe('manual weights with a version whose image cannot be had for now', () => {
  it("are invalid, with the registry's words, until it can; the split before stays", () => {
    const world = given(rolling());
    world.engine.pull('v2', { takesMs: 300, failures: 1000, failure: 'network' });
    world.weigh({ v1: 50, v2: 50 });
    world.run(5 * MINUTE);
    const said = new Set<string>();
    for (let i = 0; i < 60; i += 1) {
      world.run(SECOND);
      said.add(`${saying(world)}: ${reportOf(world).message}`);
    }
    expect(standing(world)).toBe('v1×3, route r1 100');
    expect([...said]).toContain(
      'invalid invalid-weights: weights: v2 cannot run (network: the registry says no); it is tried again. The split before stays.',
    );
  });

  it('say that they wait for it while it is being pulled', () => {
    const world = given(rolling());
    world.engine.pull('v2', { takesMs: MINUTE, failures: 0, failure: 'network' });
    world.weigh({ v1: 50, v2: 50 });
    world.run(10 * SECOND);
    expect(reportOf(world).message).toBe(
      'Manual weights: v1 50 %, v2 50 %; the strategy is suspended. Waiting for the image of v2.',
    );
  });
});

describe('a command that cannot apply is refused in the message', () => {
  it('under manual weights too', () => {
    const world = given(rolling());
    world.weigh({ v1: 100 });
    world.run(MINUTE);
    world.command('resume');
    world.run(SECOND);
    expect(reportOf(world).message).toMatch(
      /^Refused: Nothing to resume: nothing is paused\. Manual weights: /,
    );
  });
});

describe('a proxy that refuses the table, since its route belongs to another service', () => {
  it('is named with its reason, in a rollout and at rest', () => {
    const world = given(rolling());
    world.proxies[0]?.refuse(true);
    world.release('v2');
    world.run(MINUTE);
    expect(saying(world)).toBe('progressing waiting-for-proxies');
    expect(reportOf(world).message).toBe('p1 refuses the table: routes: not a list.');
    world.command('abort');
    world.proxies[0]?.refuse(false);
    world.runUntil(isIdle);
    world.proxies[0]?.refuse(true);
    world.run(MINUTE);
    expect(saying(world)).toBe('idle waiting-for-proxies');
    expect(reportOf(world).message).toBe(
      'Running v1, 3 replicas. p1 refuses the table: routes: not a list; it serves the one before.',
    );
  });
});

it('an image that is asked for by its digest is named as engines name it', () => {
  const world = given(rolling());
  const digest = `sha256:${'0'.repeat(64)}`;
  world.engine.pull(digest, MISSING);
  world.release(digest);
  world.settle();
  expect(reportOf(world).message).toContain(`@${digest} could not be had`);
});

it('a pause on failure names the replica that failed and how', () => {
  const world = given({ ...rolling(), failureAction: 'pause' });
  world.engine.behave('v2', EXITS_AT_ONCE);
  world.release('v2');
  world.runUntil(says('paused paused-on-failure'));
  expect(reportOf(world).message).toMatch(
    /^Paused on failure \(container-exited\); resume, retry or abort\. web-r2-1 exited with code \d+\.$/,
  );
});
