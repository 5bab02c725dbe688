import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compareVersions } from '../../../src/cli/doctor-engine.ts';
import { checkDirectory, checkDisk, checkGroups, checkNode } from '../../../src/cli/doctor-host.ts';
import { checkPorts, formatAddress } from '../../../src/cli/doctor-ports.ts';
import { readSettings } from '../../../src/config.ts';
import { SERVE_SETTINGS } from '../../../src/config-settings.ts';
import { StoreError } from '../../../src/store/errors.ts';
import { findFreePorts } from '../../support/names.ts';
import { Stage } from './stage.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-doctor-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('doctor: this machine', () => {
  it.each([
    ['24.0.0', 'ok'],
    ['24.21.0', 'ok'],
    ['22.22.2', 'fail'],
    ['100.0.0', 'ok'],
  ])('node %s is %s', (version, state) => {
    expect(checkNode(version)).toMatchObject([{ state }]);
  });

  it('takes a data directory that can be created', async () => {
    expect(await checkDirectory(join(folder, 'a', 'b'))).toMatchObject([{ state: 'ok' }]);
  });

  it('warns of a data directory that is open to everyone', async () => {
    await chmod(folder, 0o755);
    expect(await checkDirectory(folder)).toMatchObject([
      { state: 'warn', remedy: expect.stringContaining('chmod 700') },
    ]);
    await chmod(folder, 0o700);
    expect(await checkDirectory(folder)).toMatchObject([{ state: 'ok', remedy: null }]);
  });

  it('finds the free space of a path that does not exist yet', async () => {
    expect(await checkDisk(join(folder, 'none'))).toMatchObject([
      { check: 'disk', found: expect.stringContaining(folder) },
    ]);
  });

  it.each([
    ['v2 with memory', 'cpu io memory pids', 'ok'],
    ['v2 without memory', 'cpu io', 'warn'],
  ])('control groups %s', async (_, controllers, state) => {
    await writeFile(join(folder, 'cgroup.controllers'), controllers);
    expect(await checkGroups(folder)).toMatchObject([{ state }]);
  });

  it('knows control groups v1', async () => {
    await mkdir(join(folder, 'memory'));
    expect(await checkGroups(folder)).toMatchObject([{ state: 'ok', found: 'v1, with memory limits' }]);
  });
});

describe('doctor: ports', () => {
  let taken: Server | null = null;

  afterEach(() => {
    taken?.close();
  });

  it('tells a free port from a taken one', async () => {
    const [admin = 0, http = 0, proxyAdmin = 0] = await findFreePorts(3);
    taken = createServer();
    await new Promise<void>((resolve) => taken?.listen(http, '127.0.0.1', resolve));
    const flags = {
      admin: `127.0.0.1:${admin}`,
      http: `127.0.0.1:${http}`,
      proxyAdmin: `127.0.0.1:${proxyAdmin}`,
    };
    const config = readSettings(SERVE_SETTINGS, flags, {});
    const found = await checkPorts(config);
    expect(found.map(({ check, state }) => [check, state])).toEqual([
      ['port --admin', 'ok'],
      ['port --http', 'fail'],
      ['port --proxy-admin', 'ok'],
    ]);
    const https = { host: '127.0.0.1', port: http };
    expect((await checkPorts({ ...config, https }))[2]).toMatchObject({
      check: 'port --https',
      state: 'fail',
    });
    const alone = await checkPorts({ ...config, https, noProxy: true });
    expect(alone.map(({ check }) => check)).toEqual(['port --admin']);
  });

  it.each([
    [{ host: null, port: 80 }, ':80'],
    [{ host: '::1', port: 80 }, '[::1]:80'],
    [{ host: 'a', port: 80 }, 'a:80'],
  ])('writes %j as %s', (address, text) => {
    expect(formatAddress(address)).toBe(text);
  });
});

describe('doctor: etcd', () => {
  async function findingsOf(stage: Stage, ...flags: readonly string[]) {
    const { out } = await stage.run('doctor', '-o', 'json', ...flags);
    const findings: readonly { readonly check: string; readonly state: string }[] = JSON.parse(out);
    return Object.fromEntries(findings.map(({ check, state }) => [check, state]));
  }

  it('warns where no controller leads, and writes nothing to find out', async () => {
    const stage = new Stage();
    expect(await findingsOf(stage)).toMatchObject({
      etcd: 'ok',
      'etcd permission': 'ok',
      controller: 'warn',
    });
    expect(stage.etcd.entries()).toEqual([]);
  });

  it('sees a leader', async () => {
    const stage = new Stage();
    stage.etcd.put(stage.keys.leader, '{}');
    expect(await findingsOf(stage)).toMatchObject({ controller: 'ok' });
  });

  it('only warns where `serve` would start its own', async () => {
    const stage = new Stage();
    stage.etcd.down = true;
    expect(await findingsOf(stage)).toMatchObject({ etcd: 'warn' });
    expect(await findingsOf(stage, '--etcd', 'http://127.0.0.1:1')).toMatchObject({ etcd: 'fail' });
  });

  it('says that etcd is full, and what to do about it', async () => {
    const stage = new Stage();
    stage.etcd.intercept = (call) => {
      if (call === 'commit') throw new StoreError('store-full', 'commit: database space exceeded');
    };
    expect(await findingsOf(stage)).toMatchObject({ etcd: 'ok', 'etcd space': 'fail' });
    expect((await stage.run('doctor')).out).toContain('etcdctl alarm disarm');
  });

  it('says that the prefix may not be written', async () => {
    const stage = new Stage();
    stage.etcd.intercept = (call) => {
      if (call === 'commit') throw new StoreError('store-forbidden', 'commit: permission denied');
    };
    expect(await findingsOf(stage)).toMatchObject({ etcd: 'ok', 'etcd permission': 'fail' });
    expect((await stage.run('doctor')).exit).toBe(1);
  });
});

describe('versions', () => {
  it.each([
    ['1.41', '1.9', 1],
    ['1.41', '1.41', 0],
    ['3.4.23', '3.5.0', -1],
    ['3.5.0-rc.1', '3.5.0', 0],
  ])('%s against %s', (a, b, sign) => {
    expect(Math.sign(compareVersions(a, b))).toBe(sign);
  });
});
