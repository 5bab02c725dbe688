import { beforeEach, describe, expect, it } from 'vitest';
import { EMPTY_RECORD } from '../../../src/controller/record.ts';
import { Stage } from './stage.ts';
import { canaryStatus, finishedAs, statusOf } from './views.ts';

let stage: Stage;
const COMMAND = '/slipway/services/web/command';

beforeEach(() => {
  stage = new Stage();
  stage.addService();
});

interface Answer {
  readonly text: string;
  readonly refused?: boolean;
}

/** A controller that takes every command and gives this answer. */
async function answerWith({ text, refused = false }: Answer): Promise<void> {
  await stage.onPut(COMMAND, ({ modRevision }) => {
    const observed = { spec: 2, version: 3, weights: null, command: modRevision };
    const memory = { ...EMPTY_RECORD.memory, answer: { command: modRevision, text, refused } };
    stage.putJson(stage.keys.rollout('web'), { ...EMPTY_RECORD, memory });
    stage.putJson(stage.keys.status('web'), statusOf({ observed, message: `${text} And so on.` }));
    stage.etcd.delete(COMMAND);
  });
}

describe('commands', () => {
  it.each(['promote', 'pause', 'resume', 'abort', 'retry', 'restart'])(
    '%s is written, taken and answered',
    async (word) => {
      let written = '';
      await stage.onPut(COMMAND, ({ value }) => {
        written = value;
      });
      await answerWith({ text: 'Done so.' });
      const ran = await stage.run(word, 'web');
      expect(ran).toEqual({ exit: 0, out: `web: ${word}: Done so.\n`, err: '' });
      expect(written).toBe(word);
    },
  );

  it.each([
    ['rollback', [], 'rollback'],
    ['rollback', ['--to', '7'], 'rollback 7'],
  ])('%s %j is written as %j', async (word, options, expected) => {
    let written = '';
    await stage.onPut(COMMAND, ({ value }) => {
      written = value;
    });
    await answerWith({ text: 'Going back.' });
    expect((await stage.run(word, 'web', ...options)).exit).toBe(0);
    expect(written).toBe(expected);
  });

  it.each(['0', '-1', 'x', '1.5'])('refuses `rollback --to %s`', async (revision) => {
    const ran = await stage.run('rollback', 'web', `--to=${revision}`);
    expect(ran.exit).toBe(2);
    expect(ran.err).toContain('expected the number of a revision');
    expect(stage.etcd.value(COMMAND)).toBeNull();
  });

  it('is 1 with the reason when the controller refuses', async () => {
    await answerWith({ text: 'Nothing to promote: no rollout is in progress.', refused: true });
    const ran = await stage.run('promote', 'web');
    expect(ran.exit).toBe(1);
    expect(ran.err).toBe('web: promote refused: Nothing to promote: no rollout is in progress.\n');
    expect(ran.out).toBe('');
  });

  it.each([
    ['restart', 6],
    ['retry', 6],
    ['promote', 1],
  ])('%s refused while frozen is %i: a freeze holds back what starts a rollout', async (word, exit) => {
    stage.etcd.put(stage.keys.freeze, 'audit');
    await answerWith({ text: 'Frozen: audit', refused: true });
    expect((await stage.run(word, 'web')).exit).toBe(exit);
  });

  it('prints JSON alone', async () => {
    await answerWith({ text: 'Paused.' });
    const ran = await stage.run('pause', 'web', '-o', 'json');
    expect(JSON.parse(ran.out)).toMatchObject({
      service: 'web',
      command: 'pause',
      refused: false,
      message: 'Paused.',
    });
    expect(ran.err).toBe('');
  });

  it('refuses a service that does not exist', async () => {
    const ran = await stage.run('promote', 'api');
    expect(ran.exit).toBe(2);
    expect(ran.err).toContain('Known services: web.');
    expect(stage.etcd.value('/slipway/services/api/command')).toBeNull();
  });
});

describe('commands and a controller that does not answer', () => {
  it('is 5, and the command stays', async () => {
    const ran = await stage.run('pause', 'web', '--timeout', '1s');
    expect(ran.exit).toBe(5);
    expect(ran.err).toContain('`pause` stays in the store');
    expect(stage.etcd.value(COMMAND)).toBe('pause');
  });

  it('does not write over a command that still waits', async () => {
    stage.etcd.put(COMMAND, 'promote');
    const ran = await stage.run('pause', 'web', '--timeout', '1s');
    expect(ran.exit).toBe(1);
    expect(ran.err).toContain('`promote` still waits');
    expect(stage.etcd.value(COMMAND)).toBe('promote');
  });

  it('waits its turn when the one before is taken in time', async () => {
    stage.etcd.put(COMMAND, 'promote');
    await answerWith({ text: 'Paused.' });
    setImmediate(() => stage.etcd.delete(COMMAND));
    expect((await stage.run('pause', 'web')).exit).toBe(0);
  });

  it('lets `abort` go over whatever waits', async () => {
    stage.etcd.put(COMMAND, 'promote');
    await answerWith({ text: 'Aborting.' });
    expect(await stage.run('abort', 'web')).toMatchObject({ exit: 0, out: 'web: abort: Aborting.\n' });
  });

  it('says when another command took its place', async () => {
    await stage.onPut(COMMAND, ({ value }) => {
      if (value === 'pause') stage.etcd.put(COMMAND, 'abort');
    });
    const ran = await stage.run('pause', 'web', '--timeout', '2s');
    expect(ran.exit).toBe(4);
    expect(ran.err).toContain('`pause` was replaced by `abort`');
  });

  it('ends at Ctrl-C, saying that the command stays', async () => {
    await stage.onPut(COMMAND, () => stage.interrupt.abort());
    const ran = await stage.run('pause', 'web');
    expect(ran.exit).toBe(130);
    expect(ran.err).toContain('stays in the store');
  });
});

describe('commands with --wait', () => {
  it.each([
    ['restart', [], 'succeeded', null, 0],
    ['retry', [], 'rolled-back', 'probe-failed', 3],
    ['rollback', ['--to', '2'], 'succeeded', null, 0],
    ['rollback', [], 'rolled-back', 'rollback-requested', 0],
  ] as const)('%s %j that ends as %s (%s) is %i', async (word, options, outcome, reason, exit) => {
    const { etcd, keys } = stage;
    await stage.onPut(COMMAND, ({ modRevision }) => {
      const rollout = { id: 'web-9-1', requested: modRevision, started: '', deadline: '' };
      const observed = { spec: 2, version: 3, weights: null, command: modRevision };
      etcd.put(keys.status('web'), JSON.stringify(canaryStatus({ observed, rollout })));
      etcd.delete(COMMAND);
      const record = { ...finishedAs(outcome), ...{ id: rollout.id, requested: modRevision, reason } };
      setImmediate(() => etcd.put(keys.history('web', record.id), JSON.stringify(record)));
    });
    expect((await stage.run(word, 'web', ...options, '--wait')).exit).toBe(exit);
  });

  it('does not wait for what was refused', async () => {
    await answerWith({ text: 'A rollout is in progress.', refused: true });
    expect((await stage.run('restart', 'web', '--wait')).exit).toBe(1);
  });
});
