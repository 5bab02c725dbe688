import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { Stage } from './stage.ts';
import { canaryStatus, finishedAs, statusOf } from './views.ts';

let stage: Stage;

beforeEach(() => {
  stage = new Stage();
  stage.addService();
});

const failed = {
  ...finishedAs('rolled-back'),
  evidence: [
    { replica: 'web-r4-1', probe: 'GET /health → 500', exitCode: null, outOfMemory: false, log: ['boom'] },
  ],
};

describe('status', () => {
  it('is a table of all services, without borders or colour in a pipe', async () => {
    stage.addService('api');
    stage.putJson(stage.keys.status('web'), canaryStatus());
    stage.putJson(stage.keys.status('api'), statusOf({ service: 'api', phase: 'frozen', reason: 'frozen' }));
    const { out, exit } = await stage.run('status');
    expect(exit).toBe(0);
    expect(out.split('\n')).toEqual([
      'SERVICE  PHASE        STABLE  CANDIDATE  READY      WEIGHT  REASON      AGE',
      'api      frozen       v1 r3   -          3/3        100     frozen      5m',
      'web      progressing  v1 r3   v2 r4      3/3 + 1/1  90/10   step-pause  5m',
      '',
    ]);
  });

  it('colours phases in a terminal, and not where NO_COLOR says no', async () => {
    stage.putJson(stage.keys.status('web'), canaryStatus());
    stage.isTerminal = true;
    expect((await stage.run('status')).out).toContain('\u001b[36mprogressing\u001b[39m');
    stage.env.NO_COLOR = '1';
    expect((await stage.run('status')).out).not.toContain('\u001b');
  });

  it('shows a service that no controller has seen', async () => {
    expect((await stage.run('status')).out).toContain('no controller has seen it yet');
  });

  it('says how to begin when there is no service', async () => {
    expect((await new Stage().run('status')).out).toBe(
      'no services; create one with `slipway apply -f FILE`\n',
    );
  });

  it('shows one service in full, with the evidence of its last verdict', async () => {
    stage.putJson(stage.keys.status('web'), canaryStatus({ last: failed }));
    stage.etcd.put('/slipway/services/web/version', 'v2');
    const { out } = await stage.run('status', 'web');
    expect(out).toContain('web  progressing (step-pause)\n  Holding at 10 % for another 58 minutes.\n');
    expect(out).toContain('  stable     v1, revision 3: 3/3 ready, 90 % of the traffic\n');
    expect(out).toContain('  step       2 of 5: pause 1h, until 2026-01-01T01:58:00Z\n');
    expect(out).toContain('  next       weight 50 at 2026-01-01T01:58:00Z\n');
    expect(out).toContain('  last       v2 rolled back after 42 seconds (probe-failed)\n');
    expect(out).toContain('  web-r4-1: probe: GET /health → 500\n    | boom\n');
  });

  it('prints the document itself with -o json, and a list of them for all', async () => {
    stage.putJson(stage.keys.status('web'), canaryStatus());
    expect(JSON.parse((await stage.run('status', 'web', '-o', 'json')).out)).toEqual(canaryStatus());
    expect(JSON.parse((await stage.run('status', '-o', 'json')).out)).toEqual([canaryStatus()]);
  });

  it('takes the output format from the environment', async () => {
    stage.env.SLIPWAY_OUTPUT = 'json';
    expect((await stage.run('status')).out).toBe('[]\n');
  });

  it('refuses a service that does not exist', async () => {
    expect(await stage.run('status', 'wbe')).toMatchObject({ exit: 2, out: '' });
  });

  it.each(['Web', 'a_b', '-a', 'a'.repeat(41)])('refuses the name %j', async (name) => {
    const ran = await stage.run('status', '--', name);
    expect(ran.exit).toBe(2);
    expect(ran.err).toContain('SERVICE: found');
  });

  it('survives a status that is not one', async () => {
    stage.etcd.put(stage.keys.status('web'), 'not json');
    expect((await stage.run('status')).exit).toBe(0);
    expect((await stage.run('status', 'web')).out).toContain('no status yet');
  });
});

describe('status --watch', () => {
  async function watch(...options: readonly string[]): Promise<string> {
    stage.putJson(stage.keys.status('web'), statusOf({}));
    const running = stage.run('status', 'web', '--watch', ...options);
    while (stage.out === '') await sleep(1);
    stage.putJson(stage.keys.status('web'), canaryStatus());
    while (!stage.out.includes('Holding')) await sleep(1);
    stage.interrupt.abort();
    const ran = await running;
    expect(ran.exit).toBe(130);
    return ran.out;
  }

  it('prints a line per change in a pipe', async () => {
    expect((await watch()).trimEnd().split('\n')).toEqual([
      'web: idle · Running v1, 3 replicas.',
      'web: progressing · 1/1 ready · 10 % · step 2/5 pause 1h · Holding at 10 % for another 58 minutes.',
    ]);
  });

  it('prints a document per line with -o json', async () => {
    const phases = (await watch('-o', 'json')).trimEnd().split('\n');
    expect(phases.map((line) => JSON.parse(line).phase)).toEqual(['idle', 'progressing']);
  });

  it('redraws a terminal', async () => {
    stage.isTerminal = true;
    expect((await watch()).startsWith('\u001b[H\u001b[2J')).toBe(true);
  });
});

describe('history', () => {
  it('lists receipts, newest first', async () => {
    const older = {
      ...finishedAs('succeeded'),
      id: 'web-3-9',
      revision: 3,
      version: 'v1',
      ended: '2025-12-30T00:00:00Z',
    };
    stage.putJson(stage.keys.history('web', 'web-3-9'), older);
    stage.putJson(stage.keys.history('web', 'web-4-20'), failed);
    const lines = (await stage.run('history', 'web')).out.split('\n');
    expect(lines[0]).toMatch(/^REVISION +VERSION +KIND +STRATEGY +OUTCOME +REASON +TOOK +ENDED +ROLLOUT$/);
    expect(lines[1]).toMatch(
      /^4 +v2 +release +canary +rolled back +probe-failed +42 seconds +2m ago +web-4-20$/,
    );
    expect(lines[2]).toMatch(/^3 +v1 /);
    expect(JSON.parse((await stage.run('history', 'web', '-o', 'json')).out)).toEqual([failed, older]);
  });

  it('says that nothing has finished yet', async () => {
    expect((await stage.run('history', 'web')).out).toBe('no rollout has finished yet\n');
  });
});
