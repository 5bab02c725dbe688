import { describe, expect, it } from 'vitest';
import { describePlan } from '../../strategies/describe.ts';
import { planRetirement } from '../../strategies/retire.ts';
import { entry, type Given, NOW, observedOf, ready, rollout, routed, SPEC } from './fixture.ts';

const retire = (given: Given) => planRetirement(SPEC, observedOf(given), NOW);
const lines = (given: Given) => describePlan(retire(given), NOW).filter((line) => !line.startsWith('wake'));
const replicas = ready(1, 2);
const closed = { route: { value: entry({}, []), revision: 60 } };

describe('planRetirement', () => {
  it.each<readonly [string, Given, readonly string[]]>([
    ['first out of the table', { replicas, ...routed({ 1: 100 }, replicas) }, ['route none']],
    ['then drained and stopped', { replicas, ...closed }, ['stop web-r1-1', 'stop web-r1-2']],
    [
      'not before the proxies know',
      { replicas, ...closed, proxies: [{ id: 'p', applied: 59, busy: {}, refused: {} }] },
      [],
    ],
    ['then nothing is left', { ...closed }, ['route gone']],
  ])('%s', (_, given, does) => {
    expect(lines(given)).toEqual(does);
  });

  it('a rollout, manual weights and a warm revision end with it', () => {
    const { memory, writes, report } = retire({
      memory: { rollout: rollout(), warm: { revision: 2, until: NOW + 1 } },
      replicas,
    });
    expect([memory.rollout, memory.warm, memory.manual]).toEqual([null, null, null]);
    expect(writes.retired).toBeUndefined();
    expect(report).toMatchObject({ phase: 'retiring', message: 'The spec is gone: stopping 2 replicas.' });
  });

  it('with the last container gone, everything written goes', () => {
    expect(retire(closed).writes).toEqual({ route: null, retired: true });
  });
});
