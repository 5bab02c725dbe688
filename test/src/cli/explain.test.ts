import { beforeEach, describe, expect, it } from 'vitest';
import { explainService, type Surroundings } from '../../../src/cli/explanation.ts';
import { StoreError } from '../../../src/store/errors.ts';
import { Stage } from './stage.ts';
import { canaryStatus, finishedAs, NOW, statusOf, viewOf } from './views.ts';

const CALM: Surroundings = { hasLeader: true, freezeAll: null, storeTrouble: null };

function explain(view: Parameters<typeof viewOf>[0], around: Surroundings = CALM): string {
  return explainService(viewOf(view), around, NOW).join('\n\n');
}

function entryOf(value: string) {
  return { key: 'k', value, createRevision: 1, modRevision: 1 };
}

describe('explain', () => {
  it('says what it does, since when, what comes next and when, and what can be done', () => {
    const text = explain({ status: canaryStatus() });
    expect(text).toContain(
      'web is rolling out since 3 minutes ago (2026-01-01T00:57:00Z) (rollout web-4-20): step-pause.',
    );
    expect(text).toContain('It is at step 2 of 5, `pause 1h`, for 2 minutes.');
    expect(text).toContain('Candidate: v2, revision 4: 1/1 ready, 10 % of the traffic.');
    expect(text).toContain('Next: weight 50, in 58 minutes (2026-01-01T01:58:00Z).');
    expect(text).toContain('slipway promote web');
    expect(text).toContain('slipway abort web');
  });

  it('gives the evidence of the last verdict, and the way to try again', () => {
    const evidence = [{ replica: 'web-r4-1', probe: null, exitCode: 1, outOfMemory: false, log: ['boom'] }];
    const text = explain({
      status: statusOf({ reason: 'quarantined', last: { ...finishedAs('rolled-back'), evidence } }),
    });
    expect(text).toContain('Last verdict: v2 rolled back (probe-failed) after 42 seconds, 2m ago.');
    expect(text).toContain('web-r4-1: exit code 1\n    | boom');
    expect(text).toContain('slipway retry web');
  });

  it.each([
    ['no controller leads', { status: statusOf({}) }, { ...CALM, hasLeader: false }, 'No controller leads'],
    [
      'etcd is full',
      { status: statusOf({}) },
      { ...CALM, storeTrouble: 'space exceeded; disarm the alarm' },
      'etcd refuses every write, so nothing moves until it is put right: space exceeded; disarm the alarm.',
    ],
    [
      'all are frozen',
      { status: statusOf({}) },
      { ...CALM, freezeAll: 'audit' },
      'All services are frozen: audit',
    ],
    ['this one is frozen', { freeze: entryOf('audit') }, CALM, 'slipway unfreeze web'],
    ['a manual split rules', { weights: entryOf('v1=100') }, CALM, 'slipway weights web --clear'],
    ['a command waits', { command: entryOf('promote') }, CALM, 'The command `promote` waits'],
    [
      'nobody has looked at it',
      { status: null, version: entryOf('v2') },
      CALM,
      'no controller has looked at it yet. Asked for: v2.',
    ],
    [
      'what is asked is not what runs',
      { version: entryOf('v2') },
      CALM,
      'Asked for is v2, which is not what runs.',
    ],
    ['it is paused', { status: canaryStatus({ phase: 'paused' }) }, CALM, 'slipway resume web'],
    ['it is invalid', { status: statusOf({ phase: 'invalid' }) }, CALM, 'slipway validate -f FILE'],
    ['digests are quarantined', { quarantined: ['sha256:2'] }, CALM, 'Quarantined here: sha256:2'],
  ] as const)('%s', (_, view, around, expected) => {
    expect(explain(view, around)).toContain(expected);
  });
});

describe('slipway explain', () => {
  let stage: Stage;

  beforeEach(() => {
    stage = new Stage();
    stage.addService();
    stage.putJson(stage.keys.status('web'), canaryStatus());
  });

  it('looks for the leader and the freeze of all', async () => {
    stage.etcd.put(stage.keys.freeze, 'audit');
    const { out, exit } = await stage.run('explain', 'web');
    expect(exit).toBe(0);
    expect(out).toContain('No controller leads');
    expect(out).toContain('All services are frozen: audit');
  });

  it('does without them where they may not be read', async () => {
    stage.mayRead = (key) => key.startsWith(stage.keys.service('web'));
    const { out, exit } = await stage.run('explain', 'web');
    expect(exit).toBe(0);
    expect(out).not.toContain('No controller leads');
  });

  it('sees that etcd takes no writes, and writes nothing to find out', async () => {
    const before = stage.etcd.revision;
    expect((await stage.run('explain', 'web')).out).not.toContain('etcd refuses');
    stage.etcd.intercept = (call) => {
      if (call === 'commit') throw new StoreError('store-full', 'commit: database space exceeded');
    };
    const { out, exit } = await stage.run('explain', 'web');
    expect([exit, stage.etcd.revision]).toEqual([0, before]);
    expect(out).toMatch(/^etcd refuses every write.*database space exceeded/);
  });

  it('prints JSON alone', async () => {
    const { out } = await stage.run('explain', 'web', '-o', 'json');
    expect(JSON.parse(out)).toMatchObject({ service: 'web', status: canaryStatus() });
  });

  it('refuses a service that does not exist', async () => {
    expect((await stage.run('explain', 'api')).exit).toBe(2);
  });
});
