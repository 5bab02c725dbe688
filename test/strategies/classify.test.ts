import { describe, expect, it } from 'vitest';
import { classify, type Facts } from '../../strategies/classify.ts';
import { NOW, replica } from './fixture.ts';

type Shape = Parameters<typeof replica>[1];

const FACTS: Facts = {
  isCandidate: false,
  isLeaving: false,
  isForgiven: false,
  isRouted: false,
  minReadyMs: 0,
  now: NOW,
};

const of = (shape: Shape, facts: Partial<Facts> = {}) =>
  classify(replica('web-r1-1', shape), { ...FACTS, ...facts });

describe('classify: the first rule that holds decides', () => {
  const exited = { state: 'exited', exitCode: 1 } as const;
  const sick = { unhealthyForMs: 10 } as const;
  it.each<readonly [string, Shape, Partial<Facts>, string, string | null]>([
    ['running, not ready yet', {}, {}, 'starting', null],
    ['created', { state: 'created' }, {}, 'starting', null],
    ['running and ready', { readyForMs: 1 }, {}, 'ready', null],
    ['ready, but restarting now', { readyForMs: 1, state: 'restarting' }, {}, 'starting', null],
    ['ready, on its way out', { readyForMs: 1 }, { isLeaving: true }, 'draining', null],
    ['a stop was sent', { readyForMs: 1, stopping: true }, { isLeaving: true }, 'gone', null],
    ['a stop was sent, and it is sick', { ...sick, stopping: true }, {}, 'gone', null],
    ['the engine removes it', { state: 'removing' }, {}, 'gone', null],
    ['exited', exited, {}, 'failed', 'container-exited'],
    ['dead', { state: 'dead' }, {}, 'failed', 'container-exited'],
    ['killed for its memory', { ...exited, outOfMemory: true }, {}, 'failed', 'out-of-memory'],
    ['exited on its way out, as it was told', exited, { isLeaving: true }, 'draining', null],
    ['sick', sick, {}, 'failed', 'probe-failed'],
    ['sick on its way out', sick, { isLeaving: true }, 'failed', 'probe-failed'],
    [
      'a candidate that was restarted',
      { readyForMs: 1, restarts: 1 },
      { isCandidate: true },
      'failed',
      'container-exited',
    ],
    [
      'a candidate that restarts',
      { state: 'restarting' },
      { isCandidate: true },
      'failed',
      'container-exited',
    ],
    ['a stable one that was restarted', { readyForMs: 1, restarts: 7 }, {}, 'ready', null],
    ['a stable one that restarts', { state: 'restarting' }, {}, 'starting', null],
    ['forgiven, to be replaced', { readyForMs: 1 }, { isForgiven: true }, 'failed', 'probe-failed'],
  ])('%s', (_, shape, facts, kind, failure) => {
    const member = of(shape, facts);
    expect([member.class, member.failure]).toEqual([kind, failure]);
  });
});

describe('available: ready for as long as it must be', () => {
  it.each<readonly [string, Shape, Partial<Facts>, boolean]>([
    ['long enough', { readyForMs: 5000 }, { minReadyMs: 5000 }, true],
    ['not yet', { readyForMs: 4999 }, { minReadyMs: 5000 }, false],
    [
      'in the table already, as a new controller finds it',
      { readyForMs: 0 },
      { minReadyMs: 5000, isRouted: true },
      true,
    ],
    ['not ready', {}, { isRouted: true }, false],
    ['on its way out', { readyForMs: 5000 }, { isLeaving: true }, false],
  ])('%s', (_, shape, facts, available) => {
    expect(of(shape, facts).available).toBe(available);
  });
});
