import { expect, it } from 'vitest';
import { isUrgent, postponeActions } from '../../../src/controller/evidence.ts';
import { decide } from '../../../strategies/decide.ts';
import { describeAction } from '../../../strategies/describe.ts';
import { NOW, observedOf, ready, replica, rollout, routed, SPEC } from '../../strategies/fixture.ts';

it('a verdict whose actions wait for its logs starts the way back in the next pass, without back-off', () => {
  const failed = replica('web-r2-3', { state: 'exited', exitCode: 1 });
  const replicas = [...ready(2, 2), failed];
  const under = rollout({ stage: 'monitoring', monitorUntil: NOW + 1000 });
  const observed = observedOf({ replicas, memory: { rollout: under }, ...routed({ 2: 100 }, ready(2, 3)) });
  const decided = decide(SPEC, observed, NOW);
  expect(isUrgent(decided, observed)).toBe(true);
  const postponed = postponeActions(decided, observed.memory);
  expect(postponed.actions).toEqual([]);
  expect(postponed.memory.rollout?.verdict?.reason).toBe('container-exited');
  const route = { value: decided.writes.route ?? null, revision: 60 };
  if (route.value === null) throw new Error('the verdict moved no traffic');
  const next = { ...observed, memory: postponed.memory, route: { ...route, value: route.value } };
  const starts = decide(SPEC, next, NOW).actions.map(describeAction);
  expect(starts.filter((line) => line.startsWith('start'))).toEqual([
    'start web-r1-1',
    'start web-r1-2',
    'start web-r1-3',
  ]);
});
