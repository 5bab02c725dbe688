import { describe, expect, it } from 'vitest';
import { canHoldRecreate, planAlone, planRecreate } from '../../strategies/recreate.ts';
import { recreate, specOf } from '../sim/spec.ts';
import { type Given, NOW, ready, replica, rollout, routed, world } from './fixture.ts';

const spec = specOf(recreate());
const under = rollout({ strategy: 'recreate' });
const at = (given: Given) => world({ spec, memory: { rollout: under }, ...given });

describe('planAlone', () => {
  it('one revision, exclusively, never more than its replicas', () => {
    expect(planAlone(at({}), 2)).toMatchObject({
      wanted: { 2: 3 },
      split: { 2: 100 },
      limit: 3,
      isExclusive: true,
    });
  });
});

describe('planRecreate is complete', () => {
  it.each<readonly [string, Given, boolean]>([
    [
      'when all are available and served',
      { replicas: ready(2, 3), ...routed({ 2: 100 }, ready(2, 3)) },
      true,
    ],
    ['not when one is missing', { replicas: ready(2, 2), ...routed({ 2: 100 }, ready(2, 2)) }, false],
    ['not before the table', { replicas: ready(2, 3) }, false],
  ])('%s', (_, given, isComplete) => {
    expect(planRecreate(at(given), under).isComplete).toBe(isComplete);
  });
});

describe('canHoldRecreate: only before anything old has begun to leave', () => {
  it.each<readonly [string, Given, boolean]>([
    ['nothing has left', { replicas: ready(1, 3) }, true],
    [
      'one drains',
      { replicas: ready(1, 3), memory: { rollout: under, draining: { 'web-r1-1': NOW } } },
      false,
    ],
    ['one is not ready yet', { replicas: [...ready(1, 2), replica('web-r1-3')] }, true],
    ['one is stopping', { replicas: [...ready(1, 2), replica('web-r1-3', { stopping: true })] }, false],
    ['all are gone', { replicas: ready(2, 1) }, false],
  ])('%s', (_, given, can) => {
    expect(canHoldRecreate(at(given), under)).toBe(can);
  });
});
