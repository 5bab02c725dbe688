import { describe, expect, it } from 'vitest';
import type { StatusDocument } from '../../../src/cli/documents.ts';
import type { ServiceView } from '../../../src/cli/service.ts';
import { judgeRequest, type Request } from '../../../src/cli/verdict.ts';
import { finishedAs, statusOf, viewOf } from './views.ts';

const ASKED: Request = { kind: 'version', revision: 20, version: 'v2' };
const seen = { spec: 5, version: 20, weights: null, command: null };
const rollout = {
  id: 'web-4-20',
  requested: 20,
  started: '2026-01-01T00:00:00Z',
  deadline: '2026-01-01T00:10:00Z',
};

function view(status: Partial<StatusDocument>, more: Partial<ServiceView> = {}): ServiceView {
  return viewOf({ status: statusOf({ observed: seen, version: 'v2', ...status }), ...more });
}

const stableV2 = { ...statusOf({}).stable, version: 'v2' } as NonNullable<StatusDocument['stable']>;
const candidateV2 = { ...stableV2, revision: 4 };

describe('judging a request for a version', () => {
  const cases: readonly [string, ServiceView, string, number | null][] = [
    ['no status yet: wait', viewOf({ status: null }), 'waiting', null],
    ['not seen yet: wait', view({ observed: { ...seen, version: 19 }, stable: stableV2 }), 'waiting', null],
    ['its rollout is under way: wait', view({ phase: 'progressing', rollout }), 'waiting', null],
    ['history says succeeded', view({}, { history: [finishedAs('succeeded')] }), 'succeeded', 0],
    [
      'the status itself says so, before history is read',
      view({ last: finishedAs('succeeded') }),
      'succeeded',
      0,
    ],
    ['failed', view({}, { history: [finishedAs('failed')] }), 'failed', 1],
    ['rolled back', view({}, { history: [finishedAs('rolled-back')] }), 'rolled-back', 3],
    ['superseded', view({}, { history: [finishedAs('superseded')] }), 'superseded', 4],
    ['aborted', view({}, { history: [finishedAs('aborted')] }), 'aborted', 7],
    [
      'quarantined is a refusal, though the record says rolled back',
      view({}, { history: [{ ...finishedAs('rolled-back'), reason: 'quarantined' }] }),
      'refused',
      6,
    ],
    [
      'the record of another request says nothing of this one',
      view(
        { phase: 'progressing', rollout },
        { history: [{ ...finishedAs('failed'), requested: 7, id: 'web-3-7' }] },
      ),
      'waiting',
      null,
    ],
    ['frozen: refused', view({ phase: 'frozen', reason: 'frozen' }), 'refused', 6],
    ['quarantined without a rollout: refused', view({ reason: 'quarantined' }), 'refused', 6],
    ['a manual split rules: refused', view({ reason: 'manual-weights' }), 'refused', 6],
    ['invalid', view({ phase: 'invalid', reason: 'invalid-spec' }), 'invalid', 2],
    ['being retired', view({ phase: 'retiring' }), 'failed', 1],
    ['stable already', view({ stable: stableV2 }), 'succeeded', 0],
    [
      'another version was written before anything began',
      view({ observed: { ...seen, version: 23 }, version: 'v3' }, { version: entryOf('v3', 23) }),
      'superseded',
      4,
    ],
    [
      'the same version written again is not another request',
      view({ observed: { ...seen, version: 23 }, stable: stableV2 }, { version: entryOf('v2', 23) }),
      'succeeded',
      0,
    ],
    ['seen, and nothing came of it yet: wait', view({ reason: 'engine-unavailable' }), 'waiting', null],
  ];
  it.each(cases)('%s', (_, current, outcome, exit) => {
    const judged = judgeRequest(ASKED, current, null);
    expect(judged.kind === 'ended' ? [judged.outcome, judged.exit] : ['waiting', null]).toEqual([
      outcome,
      exit,
    ]);
  });

  it('names the rollout that carries the request, and knows its end by that name', () => {
    const first = judgeRequest(
      ASKED,
      view({ phase: 'progressing', rollout: { ...rollout, requested: 18 }, candidate: candidateV2 }),
      null,
    );
    expect(first).toEqual({ kind: 'waiting', rollout: 'web-4-20' });
    const end = { ...finishedAs('rolled-back'), requested: 18, id: 'web-4-20' };
    expect(judgeRequest(ASKED, view({}, { history: [end] }), 'web-4-20')).toMatchObject({
      outcome: 'rolled-back',
      finished: end,
    });
  });

  it('does not take the rollout of another version for its own', () => {
    const other = view({
      phase: 'aborting',
      rollout: { ...rollout, id: 'web-3-9', requested: 9 },
      candidate: { ...candidateV2, version: 'v1' },
    });
    expect(judgeRequest(ASKED, other, null)).toEqual({ kind: 'waiting', rollout: null });
  });
});

describe('judging a command', () => {
  const command: Request = { kind: 'command', revision: 30, version: null };
  const taken = { ...seen, command: 30 };

  it.each([
    ['not taken yet: wait', view({}), 'waiting', null],
    ['its rollout goes on: wait', view({ observed: taken, phase: 'progressing', rollout }), 'waiting', null],
    ['nothing is left to do', view({ observed: taken }), 'succeeded', 0],
    ['frozen', view({ observed: taken, phase: 'frozen' }), 'refused', 6],
    ['failed', view({ observed: taken, phase: 'failed' }), 'failed', 1],
    [
      'who asked to turn back has got it',
      view({}, { history: [{ ...finishedAs('rolled-back'), requested: 30, reason: 'rollback-requested' }] }),
      'rolled-back',
      0,
    ],
    [
      'a restart that failed its probes',
      view({}, { history: [{ ...finishedAs('rolled-back'), requested: 30 }] }),
      'rolled-back',
      3,
    ],
  ] as const)('%s', (_, current, outcome, exit) => {
    const judged = judgeRequest(command, current, null);
    expect(judged.kind === 'ended' ? [judged.outcome, judged.exit] : ['waiting', null]).toEqual([
      outcome,
      exit,
    ]);
  });
});

function entryOf(value: string, modRevision: number) {
  return { key: 'k', value, createRevision: 1, modRevision };
}
