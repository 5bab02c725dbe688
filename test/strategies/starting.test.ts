import { describe, expect, it } from 'vitest';
import { converge } from '../../strategies/converge.ts';
import { type Goal, goalOf } from '../../strategies/course.ts';
import { describeAction } from '../../strategies/describe.ts';
import { type Given, NOW, ready, replica, revision, rollout, trouble, world } from './fixture.ts';

const WANT_3 = goalOf({ 1: 3 }, { 1: 100 });
const act = (given: Given, goal: Goal = WANT_3) => converge(world(given), goal).actions.map(describeAction);

describe('what starts', () => {
  const healing = { 'web-r1-2': { attempts: 3, at: NOW - 1000 } };
  it.each<readonly [string, Given, Goal, readonly string[]]>([
    [
      'the lowest free ordinals',
      { replicas: ready(1, 3).slice(1, 2) },
      WANT_3,
      ['start web-r1-1', 'start web-r1-3'],
    ],
    [
      'nothing beyond the limit',
      { replicas: ready(2, 3) },
      goalOf({ 1: 3, 2: 3 }, {}, 4),
      ['start web-r1-1'],
    ],
    [
      'the limit counts what is leaving',
      { replicas: ready(2, 4) },
      { ...WANT_3, limit: 4 },
      ['stop web-r2-1', 'stop web-r2-2', 'stop web-r2-3', 'stop web-r2-4'],
    ],
    [
      'but not what has ended',
      { replicas: ready(2, 1, { state: 'exited' }) },
      goalOf({ 1: 1 }, {}, 1),
      ['remove web-r2-1', 'start web-r1-1'],
    ],
    [
      'what was created and not started',
      { replicas: [...ready(1, 2), replica('web-r1-3', { state: 'created' })] },
      WANT_3,
      ['start web-r1-3'],
    ],
    [
      'not what was created and is to leave',
      { replicas: [...ready(1, 3), replica('web-r1-4', { state: 'created' })] },
      WANT_3,
      ['remove web-r1-4'],
    ],
    ['nothing of an unknown revision', {}, goalOf({ 9: 3 }, {}), []],
    [
      'not before its back-off',
      { memory: { healing }, replicas: ready(1, 3).filter((r) => r.ordinal !== 2) },
      WANT_3,
      [],
    ],
    [
      'not before the engine may be asked again',
      { troubles: [trouble('web-r1-3', { at: NOW - 100 })], replicas: ready(1, 2) },
      WANT_3,
      [],
    ],
    [
      'nothing for a failed one in its back-off, which keeps its place',
      {
        memory: { healing },
        replicas: [...ready(1, 1), replica('web-r1-2', { state: 'exited' }), ...ready(1, 3).slice(2)],
      },
      WANT_3,
      [],
    ],
    [
      'exclusively, nothing before all others are gone',
      { replicas: ready(2, 1, { stopping: true }) },
      { ...WANT_3, isExclusive: true },
      [],
    ],
    [
      'the candidate before the stable one, where there is little room',
      { replicas: [] },
      goalOf({ 1: 2, 2: 2 }, {}, 3),
      ['start web-r2-1', 'start web-r2-2', 'start web-r1-1'],
    ],
  ])('%s', (_, given, goal, actions) => {
    expect(act(given, goal)).toEqual(actions);
  });

  it('a start under way is asked for by the same name, although a lower one has become free', () => {
    const memory = { healing: { 'web-r1-4': { attempts: 1, at: NOW - 200 } } };
    const { actions, wakeups } = converge(world({ memory, replicas: ready(1, 3).slice(1) }), WANT_3);
    expect(actions).toEqual([]);
    expect(wakeups).toContain(NOW + 800);
  });

  it('also when everything below has gone in between', () => {
    const asked = { attempts: 1, at: NOW - 200 };
    const memory = { healing: { 'web-r1-7': asked, 'web-r1-8': asked, 'web-r1-9': asked } };
    expect(converge(world({ memory }), WANT_3).actions).toEqual([]);
  });

  it('every start is counted, until it has been ready for a minute', () => {
    expect(converge(world({ replicas: ready(1, 2) }), WANT_3).healing).toEqual({
      'web-r1-3': { attempts: 1, at: NOW },
    });
    const again = { healing: { 'web-r1-3': { attempts: 1, at: NOW - 5000 } } };
    expect(converge(world({ memory: again, replicas: ready(1, 2) }), WANT_3).healing).toEqual({
      'web-r1-3': { attempts: 2, at: NOW },
    });
    const young = [...ready(1, 2), replica('web-r1-3', { readyForMs: 59_999 })];
    expect(converge(world({ memory: again, replicas: young }), WANT_3).healing).toEqual(again.healing);
    expect(converge(world({ memory: again, replicas: ready(1, 3) }), WANT_3).healing).toEqual({});
    const gone = { healing: { 'web-r9-1': { attempts: 4, at: 0 } } };
    expect(converge(world({ memory: gone, replicas: ready(1, 3) }), WANT_3).healing).toEqual({});
  });

  it('wakes when a failed one may be replaced', () => {
    const memory = { healing: { 'web-r1-3': { attempts: 2, at: NOW - 500 } } };
    const replicas = [...ready(1, 2), replica('web-r1-3', { unhealthyForMs: 1 })];
    expect(converge(world({ memory, replicas }), WANT_3).wakeups).toContain(NOW + 1500);
  });

  it('what is started is told the revision as it is written', () => {
    const [action] = converge(world({ replicas: ready(1, 2) }), WANT_3).actions;
    expect(action).toEqual({ kind: 'start', name: 'web-r1-3', revision: revision(1), ordinal: 3 });
  });
});

describe('which names', () => {
  const asked = (at: number) => ({ attempts: 1, at: NOW - at });
  const starts = (given: Given, goal: Goal = WANT_3) => {
    const { actions } = converge(world(given), goal);
    return actions.flatMap((action) => (action.kind === 'start' ? [action.name] : []));
  };

  it.each<readonly [string, Given['memory'], readonly string[]]>([
    [
      'what was asked for before comes first, the latest first',
      { healing: { 'web-r1-6': asked(9000), 'web-r1-7': asked(5000), 'web-r1-5': asked(9000) } },
      ['web-r1-7', 'web-r1-5', 'web-r1-6'],
    ],
    [
      'no more of that than is missing',
      {
        healing: {
          ...{ 'web-r1-8': asked(8000), 'web-r1-5': asked(9000), 'web-r1-7': asked(5000) },
          'web-r1-6': asked(9500),
        },
      },
      ['web-r1-7', 'web-r1-8', 'web-r1-5'],
    ],
    [
      'then the lowest, each once',
      { healing: { 'web-r1-2': asked(9000) } },
      ['web-r1-2', 'web-r1-1', 'web-r1-3'],
    ],
    [
      'of another revision says nothing',
      { healing: { 'web-r2-9': asked(9000) } },
      ['web-r1-1', 'web-r1-2', 'web-r1-3'],
    ],
  ])('%s', (_, memory = {}, names) => {
    expect(starts({ memory }, goalOf({ 1: 3, 2: 0 }, {}))).toEqual(names);
  });

  it('what was asked for and is there is not asked for again', () => {
    const memory = { healing: { 'web-r1-2': asked(9000) } };
    expect(starts({ memory, replicas: ready(1, 2, { readyForMs: 1 }) })).toEqual(['web-r1-3']);
  });

  it('the moment that a back-off ends is late enough', () => {
    const memory = { healing: { 'web-r1-1': { attempts: 1, at: NOW - 1000 } } };
    expect(starts({ memory }, goalOf({ 1: 1 }, {}))).toEqual(['web-r1-1']);
  });

  it('a failed one is replaced at the moment that its back-off ends', () => {
    const memory = { healing: { 'web-r1-3': { attempts: 1, at: NOW - 1000 } } };
    const replicas = [...ready(1, 2), replica('web-r1-3', { state: 'exited' })];
    expect(act({ memory, replicas })).toEqual(['remove web-r1-3']);
  });

  it('what has ended keeps its place until it is removed, unless the engine cannot', () => {
    const dead = [...ready(1, 2), replica('web-r1-3', { state: 'dead' })];
    expect(act({ replicas: dead })).toEqual(['remove web-r1-3']);
    const stuck = { troubles: [trouble('web-r1-3', { action: 'remove' })], replicas: dead };
    expect(starts(stuck)).toEqual(['web-r1-4']);
    expect(starts({ ...stuck, troubles: [trouble('web-r1-2', { action: 'remove' })] })).toEqual([]);
  });

  it('a trouble counts where it is with this start', () => {
    const of = { attempts: 9, at: NOW - 1 };
    const one = { replicas: ready(1, 2) };
    expect(starts({ ...one, troubles: [trouble('web-r1-3', of)] })).toEqual([]);
    expect(starts({ ...one, troubles: [trouble('web-r1-3', { ...of, action: 'stop' })] })).toEqual([
      'web-r1-3',
    ]);
    expect(starts({ ...one, troubles: [trouble('web-r1-2', of)] })).toEqual(['web-r1-3']);
  });

  it('exclusively, what is wanted does not stand in the way of itself', () => {
    expect(starts({ replicas: ready(1, 2) }, { ...WANT_3, isExclusive: true })).toEqual(['web-r1-3']);
  });

  it('what has healed and what is starting have different histories', () => {
    const memory = { healing: { 'web-r1-1': asked(1), 'web-r2-1': asked(1) } };
    const replicas = [...ready(1, 1, { state: 'created' }), ...ready(2, 1)];
    const goal = goalOf({ 1: 0, 2: 1 }, {});
    expect(Object.keys(converge(world({ memory, replicas }), goal).healing)).toEqual(['web-r1-1']);
  });
});

describe('on trial', () => {
  const failed = replica('web-r2-1', { state: 'exited' });
  const replicas = [...ready(1, 3), failed];
  const paused = { since: NOW, by: 'operator', reason: 'paused-by-operator' } as const;
  const GOAL = goalOf({ 1: 3, 2: 1 }, {});
  it.each<readonly [string, Parameters<typeof rollout>[0], readonly string[]]>([
    ['a failed one stays: a verdict decides', {}, []],
    ['unless it was forgiven', { forgiven: [failed.id] }, ['remove web-r2-1']],
    ['but not in a pause', { forgiven: [failed.id], paused }, []],
  ])('%s', (_, of, actions) => {
    expect(act({ replicas, memory: { rollout: rollout(of) } }, GOAL)).toEqual(actions);
  });
});

describe('what does not start', () => {
  it('the stable revision before any other', () => {
    const revisions = [1, 2, 3].map((number) => revision(number));
    const given = { revisions, memory: { stable: 2 } };
    expect(act(given, goalOf({ 1: 1, 2: 1, 3: 1 }, {}))).toEqual([
      ...['start web-r1-1', 'start web-r3-1', 'start web-r2-1'],
    ]);
  });

  it.each<readonly [string, Given, readonly string[]]>([
    ['what runs and is not ready yet', { replicas: [...ready(1, 2), replica('web-r1-3')] }, []],
    [
      'what was created and is being removed',
      { replicas: [...ready(1, 2), replica('web-r1-3', { state: 'created', stopping: true })] },
      ['start web-r1-4'],
    ],
    [
      'one beside an unhealthy one in its back-off',
      {
        memory: { healing: { 'web-r1-3': { attempts: 3, at: NOW - 1000 } } },
        replicas: [...ready(1, 2), replica('web-r1-3', { unhealthyForMs: 1 })],
      },
      [],
    ],
  ])('%s', (_, given, actions) => {
    expect(act(given)).toEqual(actions);
  });

  it('nor is there anything to wake for while what started stays ready', () => {
    const memory = { healing: { 'web-r1-1': { attempts: 3, at: NOW - 500 } } };
    const { wakeups } = converge(world({ memory, replicas: ready(1, 3, { readyForMs: 1 }) }), WANT_3);
    expect(wakeups.filter((at) => at !== null)).toEqual([]);
  });
});
