// What is asked for and does not run: it stays known after whatever an operator does since; and what is asked for at the
// same time as something else is not lost.
import { describe, expect, it } from 'vitest';
import { EMPTY_MEMORY } from '../../strategies/decide.ts';
import { EXITS_AT_ONCE, GOOD } from './behaviour.ts';
import { ending, endings, given, reportOf, saying, standing } from './scenario.ts';
import { HOUR, rolling, SECOND, STRATEGIES } from './spec.ts';
import type { SimWorld } from './world.ts';

function givenBad(strategy = rolling()): SimWorld {
  const world = given(strategy);
  for (const version of ['v2', 'v3']) {
    if (version === 'v3') world.engine.behave('v3', EXITS_AT_ONCE);
    world.release(version);
    world.settle();
  }
  expect(saying(world)).toBe('idle quarantined');
  world.engine.behave('v3', GOOD);
  return world;
}

describe.each(['restart', 'rollback'] as const)('a %s after a version was rolled back', (word) => {
  it('leaves it known as quarantined, and retry runs it', () => {
    const world = givenBad();
    world.command(word);
    world.settle();
    expect(endings(world).at(-1)).toMatch(/ succeeded$/);
    expect(saying(world)).toBe('idle quarantined');
    world.command('retry');
    world.settle();
    expect(ending(world)).toBe('v3 succeeded');
    expect(saying(world)).toBe('idle');
  });
});

describe('a command and a version in one pass', () => {
  it('retry insists on the version, and nothing supersedes it', () => {
    const world = givenBad();
    world.release('v3');
    world.command('retry');
    world.settle();
    expect(endings(world).slice(3)).toEqual(['v3 succeeded']);
    world.run(HOUR);
    expect(endings(world)).toHaveLength(4);
  });

  it('a refusal is told beside the new rollout', () => {
    const world = given(rolling());
    world.release('v2');
    world.command('resume');
    world.run(0);
    expect(reportOf(world).message).toMatch(/^Refused: Nothing to resume: nothing is paused\. /);
  });

  it('the number of an answer outlives the next version, its words do not', () => {
    const world = given(rolling());
    world.command('resume');
    world.run(SECOND);
    const number = world.store.memory.answer?.command;
    world.release('v2');
    world.run(SECOND);
    expect(world.store.memory.answer).toEqual({ command: number, text: '', refused: false });
    expect(reportOf(world).message).not.toMatch(/Refused/);
  });
});

describe.each(STRATEGIES)('$type: the memory is lost, and records of revisions are not', (strategy) => {
  it('a version gets a number of its own, and is what runs', () => {
    const world = givenBad(strategy);
    world.run(HOUR);
    world.store.memory = EMPTY_MEMORY;
    world.release('v4');
    world.settle();
    world.run(HOUR);
    expect(standing(world)).toBe('v4×3, route r4 100');
  });
});
