import { beforeEach, describe, expect, it } from 'vitest';
import { type Ran, Stage } from './stage.ts';
import { statusOf } from './views.ts';

let stage: Stage;
const SPEC = '/slipway/services/web/spec';
const GOOD = 'service: web\nimage: shop/web\nport: 8080\n';
const BAD = 'service: api\nimage: shop/api:v1\nreplicas: -1\nreplica: 2\n';

beforeEach(() => {
  stage = new Stage();
  stage.files.set('web.yaml', GOOD).set('bad.yaml', BAD);
});

/** Of a command that is done and prints JSON alone. */
function readDocument({ exit, out, err }: Ran): unknown {
  expect([exit, err]).toEqual([0, '']);
  return JSON.parse(out);
}

describe('validate', () => {
  it('says that all is valid, and touches no store', async () => {
    const ran = await stage.run('validate', '-f', 'web.yaml');
    expect(ran).toEqual({ exit: 0, out: 'valid: 1 service (web)\n', err: '' });
    expect(stage.etcd.calls.size).toBe(0);
  });

  it('lists every problem of every file with its path', async () => {
    const ran = await stage.run('validate', '-f', 'bad.yaml', '-f', 'none.yaml');
    expect(ran.exit).toBe(2);
    expect(ran.out).toBe('');
    expect(ran.err).toContain('bad.yaml:2: image: ');
    expect(ran.err).toContain('bad.yaml:3: replicas: ');
    expect(ran.err).toContain('replica: ');
    expect(ran.err).toContain('none.yaml: found a file that cannot be read (ENOENT');
  });

  it('prints JSON alone, also for an invalid file', async () => {
    const ran = await stage.run('validate', '-f', 'bad.yaml', '-o', 'json');
    expect(ran.exit).toBe(2);
    expect(JSON.parse(ran.out)).toMatchObject({ valid: false, problems: [{ file: 'bad.yaml' }, {}, {}] });
    expect(ran.err).toBe('');
  });

  it('reads standard input', async () => {
    stage.files.set('-', GOOD);
    expect((await stage.run('validate', '-f', '-')).out).toContain('(web)');
  });

  it('refuses the same service in two files', async () => {
    stage.files.set('again.yaml', GOOD);
    const ran = await stage.run('validate', '-f', 'web.yaml', 'again.yaml');
    expect(ran.exit).toBe(2);
    expect(ran.err).toBe('again.yaml: service: found web a second time, expected each service once\n');
  });
});

describe('apply', () => {
  it('creates, then leaves alone, then changes', async () => {
    expect((await stage.run('apply', '-f', 'web.yaml')).out).toBe('web: created\n');
    const written = stage.etcd.get(SPEC)?.modRevision;
    expect((await stage.run('apply', '-f', 'web.yaml')).out).toBe('web: unchanged\n');
    expect(stage.etcd.get(SPEC)?.modRevision).toBe(written);
    stage.files.set('web.yaml', `${GOOD}replicas: 2\n`);
    expect((await stage.run('apply', '-f', 'web.yaml')).out).toBe('web: changed\n');
    expect(stage.etcd.value(SPEC)).toContain('replicas: 2');
  });

  it('writes nothing when one file has a problem', async () => {
    const ran = await stage.run('apply', '-f', 'web.yaml', 'bad.yaml');
    expect(ran.exit).toBe(2);
    expect(stage.etcd.entries()).toEqual([]);
  });

  it('writes nothing with --dry-run', async () => {
    const ran = await stage.run('apply', '-f', 'web.yaml', '--dry-run');
    expect(ran).toEqual({ exit: 0, out: 'web: created (dry run)\n', err: '' });
    expect(stage.etcd.entries()).toEqual([]);
  });

  it('compares anew when another writer was faster', async () => {
    let isFirst = true;
    stage.etcd.intercept = (call) => {
      if (call !== 'commit' || !isFirst) return;
      isFirst = false;
      stage.etcd.put(SPEC, 'image: other');
    };
    expect((await stage.run('apply', '-f', 'web.yaml')).out).toBe('web: changed\n');
    expect(stage.etcd.value(SPEC)).toContain('shop/web');
  });

  it('prints JSON alone', async () => {
    const ran = await stage.run('apply', '-f', 'web.yaml', '-o', 'json');
    expect(JSON.parse(ran.out)).toEqual([{ service: 'web', result: 'created' }]);
  });
});

describe('weights', () => {
  beforeEach(() => stage.addService());

  it('writes the split as the key takes it', async () => {
    expect((await stage.run('weights', 'web', 'v1=90', 'v2=10')).exit).toBe(0);
    expect(stage.etcd.value('/slipway/services/web/weights')).toBe('v1=90,v2=10');
  });

  it.each([
    ['a sum that is not 100', ['v1=90', 'v2=20'], 'the weights sum to 110, expected 100'],
    ['a part of a percent', ['v1=99.5', 'v2=0.5'], 'expected an integer from 0 to 100'],
    ['a version twice', ['v1=50', 'v1=50'], 'found v1 twice'],
    ['no split', [], 'found nothing'],
    ['a split beside --clear', ['v1=100', '--clear'], 'expected one of them'],
  ])('refuses %s', async (_, split, message) => {
    const ran = await stage.run('weights', 'web', ...split);
    expect(ran.exit).toBe(2);
    expect(ran.err).toContain(message);
    expect(stage.etcd.value('/slipway/services/web/weights')).toBeNull();
  });

  it('clears the split, and says when there is none', async () => {
    stage.etcd.put('/slipway/services/web/weights', 'v1=100');
    expect((await stage.run('weights', 'web', '--clear')).out).toContain('has ended');
    expect(stage.etcd.value('/slipway/services/web/weights')).toBeNull();
    expect((await stage.run('weights', 'web', '--clear')).out).toContain('there is no manual split');
  });
});

describe('with -o json', () => {
  beforeEach(() => stage.addService());
  const run = async (...args: readonly string[]) => readDocument(await stage.run(...args, '-o', 'json'));

  it('weights tells the split, and its end', async () => {
    const set = await run('weights', 'web', 'v1=90', 'v2=10');
    const requested = stage.etcd.get('/slipway/services/web/weights')?.modRevision;
    expect(set).toEqual({ service: 'web', weights: { v1: 90, v2: 10 }, result: 'set', requested });
    const cleared = { service: 'web', weights: null, result: 'cleared' };
    expect(await run('weights', 'web', '--clear')).toEqual(cleared);
    expect(await run('weights', 'web', '--clear')).toEqual({ ...cleared, result: 'unchanged' });
  });

  it.each([
    ['web', ['web']],
    [null, []],
  ])('freeze and unfreeze tell of %s', async (service, given) => {
    const frozen = { service, result: 'frozen', reason: 'audit' };
    expect(await run('freeze', ...given, '--reason', 'audit')).toEqual(frozen);
    expect(await run('unfreeze', ...given)).toEqual({ service, result: 'unfrozen' });
    expect(await run('unfreeze', ...given)).toEqual({ service, result: 'unchanged' });
  });

  it.each([
    ['retiring', []],
    ['retired', ['--wait']],
  ])('rm tells that it is %s', async (result, flags) => {
    expect(await run('rm', 'web', ...flags)).toEqual({ service: 'web', result });
  });

  it('nothing is printed where a command fails', async () => {
    const ran = await stage.run('rm', 'api', '-o', 'json');
    expect(ran).toMatchObject({ exit: 2, out: '' });
  });
});

describe('freeze and unfreeze', () => {
  beforeEach(() => stage.addService());

  it.each([
    ['all services', [], '/slipway/freeze'],
    ['one service', ['web'], '/slipway/services/web/freeze'],
  ])('%s', async (_, service, key) => {
    expect((await stage.run('freeze', ...service, '--reason', 'incident 42')).exit).toBe(0);
    expect(stage.etcd.value(key)).toBe('incident 42');
    expect((await stage.run('unfreeze', ...service)).out).toContain('no longer frozen');
    expect(stage.etcd.value(key)).toBeNull();
    expect((await stage.run('unfreeze', ...service)).out).toContain('not frozen');
  });

  it.each([[[]], [['--reason', ' ']]])('refuses to freeze without a reason: %j', async (options) => {
    expect((await stage.run('freeze', ...options)).exit).toBe(2);
    expect(stage.etcd.value('/slipway/freeze')).toBeNull();
  });
});

describe('rm', () => {
  beforeEach(() => stage.addService());

  it('deletes the spec and nothing else', async () => {
    stage.etcd.put('/slipway/services/web/version', 'v1');
    expect((await stage.run('rm', 'web')).out).toBe('web: is being retired\n');
    expect(stage.etcd.entries().map(({ key }) => key)).toEqual(['/slipway/services/web/version']);
  });

  it('waits until the controller has taken the status away', async () => {
    stage.putJson(stage.keys.status('web'), statusOf({ phase: 'retiring' }));
    const running = stage.run('rm', 'web', '--wait');
    setTimeout(() => stage.etcd.delete(stage.keys.status('web')), 20);
    expect(await running).toEqual({ exit: 0, out: 'web: retired\n', err: '' });
  });

  it('is 5 when it takes too long', async () => {
    stage.putJson(stage.keys.status('web'), statusOf({ phase: 'retiring' }));
    expect((await stage.run('rm', 'web', '--wait', '--timeout', '1s')).exit).toBe(5);
  });

  it('refuses a service that does not exist', async () => {
    expect((await stage.run('rm', 'api')).exit).toBe(2);
  });
});
