import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import type { FinishedDocument, StatusDocument } from '../../../src/cli/documents.ts';
import { Stage } from './stage.ts';
import { canaryStatus, finishedAs, statusOf } from './views.ts';

let stage: Stage;

beforeEach(() => {
  stage = new Stage();
  stage.addService();
});

/** A controller that answers a new version with one status. */
async function answerWith(change: (revision: number) => Partial<StatusDocument>): Promise<void> {
  await stage.onPut(stage.keys.version('web'), ({ modRevision }) => {
    const observed = { spec: 2, version: modRevision, weights: null, command: null };
    stage.putJson(stage.keys.status('web'), statusOf({ observed, ...change(modRevision) }));
  });
}

/** A controller that begins a rollout, shows it, and ends it in this way. */
async function endWith(finish: Partial<FinishedDocument>): Promise<void> {
  await stage.onPut(stage.keys.version('web'), ({ modRevision, value }) => {
    const observed = { spec: 2, version: modRevision, weights: null, command: null };
    const rollout = { id: `web-4-${modRevision}`, requested: modRevision, started: '', deadline: '' };
    stage.putJson(stage.keys.status('web'), canaryStatus({ observed, rollout, version: value }));
    setImmediate(() => {
      const record = {
        ...finishedAs('succeeded'),
        id: rollout.id,
        requested: modRevision,
        version: value,
        ...finish,
      };
      stage.putJson(stage.keys.history('web', rollout.id), record);
      stage.putJson(stage.keys.status('web'), statusOf({ observed, last: record }));
    });
  });
}

const EVIDENCE = [
  {
    replica: 'web-r4-1',
    probe: 'GET /health → 500',
    exitCode: 137,
    outOfMemory: true,
    log: ['boot', 'no \u001b[31mdatabase'],
  },
];

describe('release without --wait', () => {
  it('sets the version key and is done', async () => {
    const ran = await stage.run('release', 'web', 'v2');
    expect(ran).toMatchObject({ exit: 0, err: '' });
    expect(stage.etcd.value('/slipway/services/web/version')).toBe('v2');
  });

  it('says that a freeze holds it back', async () => {
    stage.etcd.put(stage.keys.freeze, 'incident 42');
    const ran = await stage.run('release', 'web', 'v2');
    expect(ran.exit).toBe(0);
    expect(ran.err).toContain('web is frozen (incident 42)');
  });

  it('needs no more than read on the service and write on its version', async () => {
    stage.mayRead = (key) => key.startsWith(stage.keys.service('web'));
    expect(await stage.run('release', 'web', 'v2')).toMatchObject({ exit: 0, err: '' });
    await endWith({ outcome: 'succeeded' });
    expect((await stage.run('release', 'web', 'v3', '--wait')).exit).toBe(0);
    expect((await stage.run('release', 'wbe', 'v2')).err).toContain('permission denied');
  });

  it('refuses a service that does not exist, and offers the near name', async () => {
    const ran = await stage.run('release', 'wbe', 'v2');
    expect(ran.exit).toBe(2);
    expect(ran.err).toContain('no service `wbe`');
    expect(ran.err).toContain('did you mean `web`?');
    expect(stage.etcd.value('/slipway/services/wbe/version')).toBeNull();
  });

  it.each(['shop/web:v2', 'v2@sha256:0', '', 'sha256:12'])('refuses the version %j', async (version) => {
    const ran = await stage.run('release', 'web', version);
    expect(ran.exit).toBe(2);
    expect(ran.err).toMatch(/^error: VERSION: found .*expected a tag/);
    expect(stage.etcd.value('/slipway/services/web/version')).toBeNull();
  });
});

describe('release --wait: the verdict is the exit code', () => {
  it.each([
    ['succeeded', 0, 'web v2: succeeded after 42 seconds'],
    ['failed', 1, 'web v2: failed after 42 seconds (probe-failed)'],
    ['rolled-back', 3, 'web v2: rolled back after 42 seconds (probe-failed)'],
    ['superseded', 4, 'web v2: superseded after 42 seconds (superseded)'],
    ['aborted', 7, 'web v2: aborted after 42 seconds (aborted-by-operator)'],
  ] as const)('%s is %i', async (outcome, exit, line) => {
    const { reason, message } = finishedAs(outcome);
    await endWith({ outcome, reason, message });
    const ran = await stage.run('release', 'web', 'v2', '--wait');
    expect(ran.exit).toBe(exit);
    expect(ran.out).toContain(line);
    expect(ran.err).toBe('');
  });

  it('shows the evidence: probe, exit code, memory and the last lines, which cannot drive a terminal', async () => {
    await endWith({ outcome: 'rolled-back', reason: 'out-of-memory', evidence: EVIDENCE });
    const { out } = await stage.run('release', 'web', 'v2', '--wait');
    expect(out).toContain('web-r4-1: probe: GET /health → 500; exit code 137; out of memory');
    expect(out).toContain('    | boot\n    | no ·[31mdatabase\n');
    expect(out).toContain('v1 (revision 3) serves.');
  });

  it('prints one plain line per change in a pipe', async () => {
    await endWith({ outcome: 'succeeded' });
    const { out } = await stage.run('release', 'web', 'v2', '--wait');
    const lines = out.trimEnd().split('\n');
    expect(lines).toContain(
      'web v2: progressing · 1/1 ready · 10 % · step 2/5 pause 1h · Holding at 10 % for another 58 minutes.',
    );
    expect(new Set(lines).size).toBe(lines.length);
    expect(out).not.toContain('\u001b');
  });

  it('prints JSON alone with -o json', async () => {
    await endWith({ outcome: 'rolled-back', reason: 'probe-failed', evidence: EVIDENCE });
    const ran = await stage.run('release', 'web', 'v2', '--wait', '-o', 'json');
    expect(JSON.parse(ran.out)).toMatchObject({
      service: 'web',
      version: 'v2',
      outcome: 'rolled-back',
      exitCode: 3,
      reason: 'probe-failed',
      evidence: EVIDENCE,
    });
    expect(ran.err).toBe('');
  });
});

describe('release --wait: no rollout comes of it', () => {
  it('refused while frozen: the key stays', async () => {
    await answerWith(() => ({
      phase: 'frozen',
      reason: 'frozen',
      message: 'Frozen: audit. A request is waiting.',
    }));
    const ran = await stage.run('release', 'web', 'v2', '--wait');
    expect(ran.exit).toBe(6);
    expect(ran.out).toContain('refused (frozen)');
    expect(ran.out).toContain('The version key stays set');
    expect(stage.etcd.value('/slipway/services/web/version')).toBe('v2');
  });

  it('refused where the digest is quarantined', async () => {
    await endWith({ outcome: 'rolled-back', reason: 'quarantined' });
    expect((await stage.run('release', 'web', 'v2', '--wait')).exit).toBe(6);
  });

  it('invalid where the spec is', async () => {
    await answerWith(() => ({
      phase: 'invalid',
      reason: 'invalid-spec',
      message: 'spec: replicas: found -1.',
    }));
    const ran = await stage.run('release', 'web', 'v2', '--wait');
    expect(ran.exit).toBe(2);
    expect(ran.out).toContain('spec: replicas: found -1.');
  });

  it('done where the version is stable already', async () => {
    await answerWith(() => ({}));
    expect((await stage.run('release', 'web', 'v1', '--wait')).exit).toBe(0);
  });
});

describe('release --wait: leaving early leaves the rollout as it is', () => {
  it('timed out is 5, with what it waits for', async () => {
    await answerWith((requested) => canaryRollout(requested));
    const ran = await stage.run('release', 'web', 'v2', '--wait', '--timeout', '1s');
    expect(ran.exit).toBe(5);
    expect(ran.err).toContain('the rollout of web goes on');
    expect(ran.err).toContain('Holding at 10 %');
  });

  it('says so when no controller has taken notice', async () => {
    const ran = await stage.run('release', 'web', 'v2', '--wait', '--timeout', '1s');
    expect(ran.exit).toBe(5);
    expect(ran.err).toContain('No controller has taken notice');
  });

  it('Ctrl-C is 130, and says how to abort', async () => {
    await answerWith((requested) => canaryRollout(requested));
    const running = stage.run('release', 'web', 'v2', '--wait');
    while (!stage.out.includes('Holding')) await sleep(1);
    stage.interrupt.abort();
    const ran = await running;
    expect(ran.exit).toBe(130);
    expect(ran.err).toContain('goes on');
    expect(ran.err).toContain('slipway abort web');
  });

  it('goes on through an etcd that is away for a while', async () => {
    await answerWith((requested) => canaryRollout(requested));
    const running = stage.run('release', 'web', 'v2', '--wait');
    while (!stage.out.includes('Holding')) await sleep(1);
    stage.etcd.down = true;
    stage.etcd.cutWatches();
    await sleep(50);
    const requested = Number(/"requested":(\d+)/.exec(stage.etcd.value(stage.keys.status('web')) ?? '')?.[1]);
    stage.etcd.down = false;
    stage.putJson(stage.keys.history('web', 'x'), { ...finishedAs('succeeded'), id: 'x', requested });
    expect((await running).exit).toBe(0);
  });
});

function canaryRollout(requested: number): Partial<StatusDocument> {
  const { rollout } = canaryStatus();
  const { observed: _, ...rest } = canaryStatus();
  return { ...rest, rollout: rollout === null ? null : { ...rollout, requested } };
}
