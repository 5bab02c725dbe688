import { beforeEach, describe, expect, it } from 'vitest';
import { FORMAT, FORMAT_VERSION } from '../../../src/cli/backup-file.ts';
import { formatRecord, parseRecord } from '../../../src/controller/record.ts';
import { EMPTY_MEMORY } from '../../../strategies/decide.ts';
import type { Memory } from '../../../strategies/model.ts';
import { Stage } from './stage.ts';
import { finishedAs, NOW } from './views.ts';

let stage: Stage;
const SPEC = 'image: shop/web\nport: 8080\n';
const FILE = 'slipway.json';

beforeEach(() => {
  stage = new Stage();
});

/** A service that runs v1: its keys as a controller leaves them. */
function addStanding(memory: Partial<Memory> = {}): void {
  const { etcd, keys } = stage;
  etcd.put(keys.spec('web'), SPEC);
  const asked = etcd.put(keys.version('web'), 'v1');
  const handled = { version: 'v1', versionRevision: asked, settingsHash: 'a' };
  const record = {
    memory: { ...EMPTY_MEMORY, stable: 1, nextRevision: 2, handled, ...memory },
    accepted: SPEC,
    at: 0,
  };
  etcd.put(keys.rollout('web'), formatRecord(record));
  stage.putJson(keys.revision('web', 1), { number: 1, version: 'v1' });
  stage.putJson(keys.history('web', 'web-1-3'), { ...finishedAs('succeeded'), requested: asked });
  stage.putJson(keys.route('web'), { split: { 1: 100 } });
  stage.putJson(keys.status('web'), { service: 'web', phase: 'idle' });
}

function addLeased(key: string): void {
  const lease = stage.etcd.grantLease(stage.etcd.connect(), 60_000);
  stage.etcd.put(key, '{"id":"it"}', lease.id);
}

/** The file, and then an etcd that knows nothing but has other revisions. */
async function backUpAndLoseAll(...flags: readonly string[]): Promise<void> {
  expect((await stage.run('backup', FILE, ...flags)).err).toBe('');
  const { files } = stage;
  stage = new Stage();
  for (const [name, text] of files) stage.files.set(name, text);
  for (let writes = 0; writes < 40; writes += 1) stage.etcd.put('/other/key', String(writes));
}

const memoryOf = (service = 'web') =>
  parseRecord(stage.etcd.value(stage.keys.rollout(service)) ?? '')?.memory ?? null;
const names = () => stage.etcd.entries('/slipway/').map(({ key }) => key.slice('/slipway/'.length));

/** A file with these keys, as it could have been written by hand. */
function putFile(keys: object, more: object = {}): void {
  const whole = { format: FORMAT, version: FORMAT_VERSION, created: 'now', prefix: '/slipway', revision: 9 };
  stage.files.set(FILE, JSON.stringify({ ...whole, keys, ...more }));
}

describe('backup', () => {
  it('writes every key that lasts, relative to the prefix, JSON as JSON', async () => {
    addStanding();
    addLeased(stage.keys.leader);
    addLeased(stage.keys.proxy('p1'));
    stage.etcd.put('/app/web/LEVEL', 'debug');
    const ran = await stage.run('backup', FILE);
    expect(ran).toEqual({
      exit: 0,
      out: `${FILE}: 7 keys of /slipway, as of revision ${stage.etcd.revision}\n`,
      err: '',
    });
    const file = JSON.parse(stage.files.get(FILE) ?? '');
    expect(file).toMatchObject({
      format: 'slipway-backup',
      version: 1,
      prefix: '/slipway',
      created: new Date(NOW).toISOString(),
    });
    expect(Object.keys(file.keys)).toEqual(names().filter((name) => !/^(controller|proxies)/.test(name)));
    expect(file.keys['services/web/spec']).toEqual({ revision: 2, text: SPEC });
    expect(file.keys['routes/web']).toMatchObject({ json: { split: { 1: 100 } } });
    expect(file.configuration).toBeUndefined();
  });

  it('reads many pages at one revision, whatever is written meanwhile', async () => {
    for (let i = 0; i < 900; i += 1) stage.etcd.put(`/slipway/services/s${i}/spec`, SPEC);
    let pages = 0;
    stage.etcd.intercept = (call) => {
      if (call !== 'page') return;
      pages += 1;
      if (pages === 2) stage.etcd.put('/slipway/services/zz/spec', SPEC);
    };
    expect((await stage.run('backup', '-')).out).toContain('"services/s899/spec"');
    expect(pages).toBe(4);
    expect(stage.out).not.toContain('services/zz/spec');
  });

  it('refuses bytes that the file cannot hold', async () => {
    stage.etcd.put(stage.keys.freeze, 'a\uFFFD');
    expect(await stage.run('backup', FILE)).toMatchObject({
      exit: 1,
      err: expect.stringContaining('/slipway/freeze: '),
    });
    expect(stage.files.has(FILE)).toBe(false);
  });
});

describe('restore', () => {
  it('writes all but status and command, and says so', async () => {
    addStanding();
    stage.etcd.put(stage.keys.command('web'), 'promote');
    const before = names();
    await backUpAndLoseAll();
    const ran = await stage.run('restore', FILE);
    expect(ran).toMatchObject({ exit: 0, err: '' });
    expect(ran.out).toContain('left out services/web/command: `promote` was a word for that moment');
    expect(ran.out).toContain('/slipway: 6 keys of 1 service restored');
    expect(names()).toEqual(before.filter((name) => !/(status|command)$/.test(name)));
  });

  it('keeps what was acted on as acted on, in revisions of the new etcd', async () => {
    addStanding();
    await backUpAndLoseAll();
    await stage.run('restore', FILE);
    const written = stage.etcd.get(stage.keys.version('web'))?.modRevision;
    expect(written).toBeGreaterThan(40);
    expect(memoryOf()?.handled).toEqual({ version: 'v1', versionRevision: written, settingsHash: 'a' });
    expect(memoryOf()).toMatchObject({ stable: 1, nextRevision: 2 });
  });

  it('keeps what still waited as waiting', async () => {
    addStanding();
    stage.etcd.put(stage.keys.version('web'), 'v1');
    await backUpAndLoseAll();
    await stage.run('restore', FILE);
    expect(memoryOf()?.handled?.versionRevision).toBe(0);
  });

  it('lets no receipt pass for the answer to a request of the new etcd', async () => {
    const last = { ...finishedAs('succeeded'), reason: null, startedAt: NOW, endedAt: NOW };
    const answer = { command: 3, text: 'Paused.', refused: false };
    addStanding({ last, answer });
    await backUpAndLoseAll();
    await stage.run('restore', FILE);
    expect(memoryOf()).toMatchObject({ last: { requested: 0 }, answer: null });
    const receipt = JSON.parse(stage.etcd.value(stage.keys.history('web', 'web-1-3')) ?? '');
    expect(receipt).toMatchObject({ requested: 0, outcome: 'succeeded' });
  });

  it('writes spec and record together, after all else', async () => {
    addStanding();
    await backUpAndLoseAll();
    await stage.run('restore', FILE);
    const [spec, ...others] = ['spec', 'rollout', 'version', 'revisions/1', 'history/web-1-3'].map(
      (name) => stage.etcd.get(`/slipway/services/web/${name}`)?.modRevision ?? 0,
    );
    expect(others[0]).toBe(spec);
    for (const other of others.slice(1)) expect(other).toBeLessThan(spec ?? 0);
  });

  it('restores below another prefix', async () => {
    addStanding();
    await backUpAndLoseAll();
    expect((await stage.run('restore', FILE, '--prefix', '/copy')).exit).toBe(0);
    expect(stage.etcd.value('/copy/services/web/spec')).toBe(SPEC);
    expect(names()).toEqual([]);
  });

  it('takes transactions that every etcd takes', async () => {
    const value = 'x'.repeat(400_000);
    const keys = Array.from({ length: 300 }, (_, i) => [`services/s${i}/spec`, { revision: 2, text: SPEC }]);
    const big = Array.from({ length: 5 }, (_, i) => [`services/b${i}/version`, { revision: 2, text: value }]);
    putFile(Object.fromEntries([...keys, ...big]));
    const revision = stage.etcd.revision;
    expect((await stage.run('restore', FILE)).out).toContain('305 keys of 300 services');
    expect(stage.etcd.entries('/slipway/').length).toBe(305);
    // Two of the big ones fit into one request: 3, then 300 specs by 120: 3, and the lead, taken and given back.
    expect(stage.etcd.revision - revision).toBe(8);
  });

  it('writes configuration only where it is asked to', async () => {
    addStanding();
    stage.etcd.put('/secrets/web/token', 'hush');
    await backUpAndLoseAll('--configuration');
    await stage.run('restore', FILE, '--dry-run');
    expect(stage.out).not.toContain('/secrets/');
    expect((await stage.run('restore', FILE, '--configuration')).exit).toBe(0);
    expect(stage.etcd.value('/secrets/web/token')).toBe('hush');
  });

  it('does not write over configuration that differs, unless told', async () => {
    putFile({}, { configuration: { '/app/web/A': { revision: 2, text: 'old' } } });
    stage.etcd.put('/app/web/A', 'new');
    expect(await stage.run('restore', FILE, '--configuration')).toMatchObject({
      exit: 1,
      err: expect.stringContaining('/app/web/A'),
    });
    expect((await stage.run('restore', FILE, '--configuration', '--replace')).exit).toBe(0);
    expect(stage.etcd.value('/app/web/A')).toBe('old');
  });
});

describe('restore refuses', () => {
  it.each<readonly [string, string, string]>([
    ['what is cut off', '{"format":', 'is the file whole?'],
    ['what is no backup', '{"a":1}', 'format: found nothing, expected "slipway-backup"'],
    ['a later format', JSON.stringify({ format: FORMAT, version: 2 }), 'version: found 2, expected 1'],
    [
      'no keys',
      JSON.stringify({ format: FORMAT, version: 1, prefix: '/a', created: 'x', revision: 1 }),
      'keys: found nothing',
    ],
  ])('%s', async (_, text, message) => {
    stage.files.set(FILE, text);
    const ran = await stage.run('restore', FILE);
    expect(ran).toMatchObject({ exit: 2, out: '' });
    expect(ran.err).toContain(message);
  });

  it.each<readonly [string, object, string]>([
    ['/slipway/services/web/spec', { revision: 1, text: '' }, 'relative to the prefix'],
    ['services/web/spec', { revision: 1 }, 'expected either `text` or `json`'],
    ['services/web/spec', { revision: 0, text: '' }, 'revision: found 0'],
    ['services/web/spec', { revision: 1, txt: '' }, 'found `txt`'],
    ['services/web/rollout', { revision: 1, text: 'x' }, 'is not a record'],
    ['controller/leader', { revision: 1, text: 'x' }, 'lives under a lease'],
    ['proxies/p1', { revision: 1, text: 'x' }, 'lives under a lease'],
  ])('the key %s with %j', async (key, given, message) => {
    putFile({ [key]: given, 'services/api/spec': { revision: 1, text: SPEC } });
    const ran = await stage.run('restore', FILE);
    expect(ran).toMatchObject({ exit: 2, out: '' });
    expect(ran.err).toContain(`${FILE}: keys.${JSON.stringify(key)}: `);
    expect(ran.err).toContain(message);
    expect(names()).toEqual([]);
  });

  it('a prefix that is not empty', async () => {
    addStanding();
    await backUpAndLoseAll();
    stage.etcd.put(stage.keys.version('api'), 'v9');
    const ran = await stage.run('restore', FILE);
    expect(ran).toMatchObject({ exit: 1, out: '' });
    expect(ran.err).toContain('found 1 key (/slipway/services/api/version)');
    expect(names()).toEqual(['services/api/version']);
  });

  it('a prefix that a controller leads', async () => {
    putFile({});
    addLeased(stage.keys.leader);
    const ran = await stage.run('restore', FILE);
    expect(ran).toMatchObject({ exit: 1, out: '' });
    expect(ran.err).toContain('a controller leads under /slipway');
  });

  it('to go on when somebody else takes the lead', async () => {
    addStanding();
    await backUpAndLoseAll();
    let commits = 0;
    stage.etcd.intercept = (call) => {
      if (call !== 'commit') return;
      commits += 1;
      if (commits === 3) stage.etcd.delete(stage.keys.leader);
    };
    const ran = await stage.run('restore', FILE);
    expect(ran).toMatchObject({ exit: 1, out: '' });
    expect(ran.err).toContain('restore it again with --replace');
    expect(stage.etcd.value(stage.keys.spec('web'))).toBeNull();
    stage.etcd.intercept = null;
    expect((await stage.run('restore', FILE, '--replace')).exit).toBe(0);
    expect(stage.etcd.value(stage.keys.spec('web'))).toBe(SPEC);
  });
});

describe('restore --force', () => {
  it('holds a controller off, and gives the lead back', async () => {
    addStanding();
    await backUpAndLoseAll();
    addLeased(stage.keys.leader);
    const term = stage.etcd.get(stage.keys.leader)?.createRevision ?? 0;
    const leaders: (string | null)[] = [];
    stage.etcd.intercept = () => void leaders.push(stage.etcd.value(stage.keys.leader));
    expect((await stage.run('restore', FILE, '--force')).exit).toBe(0);
    expect(leaders.some((value) => value?.includes('restore-'))).toBe(true);
    const guards = [{ key: stage.keys.leader, createRevision: term }];
    expect(stage.etcd.transact({ guards, puts: [], deletes: [] })).toEqual({ ok: false });
    expect(stage.etcd.get(stage.keys.leader)).toBeNull();
  });
});

describe('restore --replace', () => {
  it('makes the prefix as the backup is, and leaves a stranger to be retired', async () => {
    addStanding();
    await backUpAndLoseAll();
    addStanding({ stable: 5, nextRevision: 6 });
    stage.putJson(stage.keys.revision('web', 5), { number: 5 });
    stage.etcd.put(stage.keys.freeze, 'audit');
    for (const [key, value] of [
      [stage.keys.spec('api'), SPEC],
      [stage.keys.version('api'), 'v1'],
      [stage.keys.rollout('api'), '{"memory":{"stable":1},"accepted":null}'],
      [stage.keys.route('api'), '{}'],
    ] as const)
      stage.etcd.put(key, value);
    const ran = await stage.run('restore', FILE, '--replace');
    expect(ran.out).toContain('api: not in the backup, so the next controller retires it');
    expect(memoryOf()).toMatchObject({ stable: 1, nextRevision: 2 });
    expect(names()).toEqual([
      ...['routes/api', 'routes/web', 'services/api/rollout', 'services/web/history/web-1-3'],
      ...['services/web/revisions/1', 'services/web/rollout', 'services/web/spec', 'services/web/version'],
    ]);
  });

  it('says with --dry-run what it would write, and writes nothing', async () => {
    addStanding();
    await backUpAndLoseAll();
    stage.etcd.put(stage.keys.freeze, 'audit');
    const { revision } = stage.etcd;
    const { out, exit } = await stage.run('restore', FILE, '--replace', '--dry-run');
    expect(exit).toBe(0);
    expect(out.split('\n').filter((line) => /^(put|delete) /.test(line))).toEqual([
      ...['delete /slipway/freeze', 'put /slipway/routes/web', 'put /slipway/services/web/history/web-1-3'],
      ...['put /slipway/services/web/revisions/1', 'put /slipway/services/web/version'],
      ...['put /slipway/services/web/spec', 'put /slipway/services/web/rollout'],
    ]);
    expect(stage.etcd.revision).toBe(revision);
  });

  it('says with -o json what it writes, or would write', async () => {
    addStanding();
    await backUpAndLoseAll();
    const run = async (...flags: readonly string[]) => {
      const { exit, out, err } = await stage.run('restore', FILE, ...flags, '-o', 'json');
      expect([exit, err]).toEqual([0, '']);
      return JSON.parse(out);
    };
    const planned = await run('--dry-run');
    expect(planned).toMatchObject({ prefix: '/slipway', result: 'planned', services: ['web'], retired: [] });
    expect(planned.operations).toContainEqual({ kind: 'put', key: '/slipway/services/web/spec' });
    expect(planned.leftOut).toEqual([{ key: 'services/web/status', why: expect.any(String) }]);
    expect(names()).toEqual([]);
    expect(await run()).toEqual({ ...planned, result: 'restored' });
    expect(names()).toContain('services/web/spec');
  });
});
