// The proxy beside a controller changes its process: by a hand-over, under a new version, when one of two controllers
// goes; and by kill -9, where what was in hand is lost and no more.
import { hostname } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LoadFailure, startLoad } from '../../scripts/load.ts';
import { knockOn } from '../../scripts/load-door.ts';
import { isRunning } from '../../src/app/pid-file.ts';
import type { Child } from '../support/child.ts';
import { Service } from '../support/service.ts';
import { type Slipway, startSlipway } from '../support/slipway.ts';
import { buildVersions, REPOSITORY } from '../support/versions.ts';
import { waitFor } from '../support/wait.ts';

let slipway: Slipway;
let service: Service;
let standby: Child;

beforeAll(async () => {
  await buildVersions('v1', 'v2');
  // For a proxy of one's own: the one beside `serve` must not take them.
  const environment = {
    SLIPWAY_ID: 'mine',
    SLIPWAY_TABLE: '/nowhere/table',
    SLIPWAY_SNAPSHOT: '/nowhere/snapshot',
  };
  slipway = await startSlipway({ arguments: ['--drain', '2s'], environment });
  service = new Service(slipway, { image: REPOSITORY, strategy: 'rolling' });
  await service.stand('v1');
});
afterAll(async () => {
  await slipway?.stop();
});

const name = () => `${hostname()}-${slipway.ports.http}`;

async function listProxies(): Promise<string[]> {
  const { entries } = await slipway.store.list(slipway.keys.proxies);
  return entries.map(({ key }) => key.slice(slipway.keys.proxies.length)).sort();
}

/** Resolves with the pid of another one that serves. */
function another(than: number | null): Promise<number> {
  return waitFor('another proxy', async () => {
    const pid = slipway.proxyPid();
    const response = await fetch(`http://127.0.0.1:${slipway.ports.proxyAdmin}/readyz`);
    return pid !== than && response.ok && pid;
  });
}

function signal(pid: number | null, what: NodeJS.Signals): void {
  if (pid === null) throw new Error('there is no proxy');
  process.kill(pid, what);
}

describe('the proxy beside a controller', () => {
  it('hands over in the middle of a rollout, is followed, and counts twice while both live', async () => {
    const load = startLoad(service.target);
    const endKnocking = knockOn(slipway.ports.http);
    const requested = await service.ask('v2');
    const before = slipway.proxyPid();
    signal(before, 'SIGUSR2');
    await waitFor('both to be known', async () => (await listProxies()).length === 2);
    expect(await listProxies()).toEqual([name(), `${name()}.2`]);
    const after = await another(before);
    expect((await service.finish(requested)).outcome).toBe('succeeded');
    await waitFor('the former one to be gone', async () => (await listProxies()).length === 1);
    expect(await listProxies()).toEqual([`${name()}.2`]);
    expect(slipway.proxyPid()).toBe(after);
    expect(slipway.log()).toContain('"the proxy has handed over"');
    expect((await load.stop()).failures).toEqual([]);
    expect((await endKnocking()).refused).toEqual([]);
  });

  it('is left to a second controller when the first one goes', async () => {
    const load = startLoad(service.target);
    const before = slipway.proxyPid();
    standby = await slipway.startStandby();
    expect(slipway.proxyPid()).toBe(before);
    await slipway.endDaemon('SIGTERM');
    const sent = load.report().requests;
    await waitFor('requests without the first controller', () => load.report().requests > sent + 200);
    expect((await load.stop()).failures).toEqual([]);
    expect(slipway.proxyPid()).toBe(before);
  });

  it.each(['adopted', 'started here'])(
    'is started again after kill -9, and loses only what came before that: %s',
    async () => {
      const before = slipway.proxyPid();
      const load = startLoad(service.target);
      await waitFor('requests', () => load.report().requests > 100);
      const killedAt = Date.now();
      signal(before, 'SIGKILL');
      await another(before);
      const servedAt = Date.now();
      await waitFor('more requests', () => load.report().inFlight < 20);
      const { failures, requests } = await load.stop();
      const isExcused = ({ sentAt, at, reason }: LoadFailure) =>
        at >= killedAt && sentAt <= servedAt && /ECONNREFUSED|ECONNRESET|cut off/.test(reason);
      expect(failures.filter((failure) => !isExcused(failure))).toEqual([]);
      expect(failures.length).toBeLessThan(requests);
    },
  );

  it('of another version is asked to hand over by the controller that adopts it', async () => {
    const load = startLoad(service.target);
    const before = slipway.proxyPid();
    const key = slipway.keys.proxy(name());
    const said: object = JSON.parse((await slipway.read(key)) ?? '{}');
    // As one says that was started before an upgrade.
    await slipway.put(key, JSON.stringify({ ...said, version: '0.0.1' }));
    await slipway.startDaemon();
    const after = await another(before);
    // Written without a lease, it would stay.
    await slipway.remove(key);
    await waitFor('the former one to be gone', async () => (await listProxies()).join() === `${name()}.2`);
    expect(slipway.proxyPid()).toBe(after);
    expect((await load.stop()).failures).toEqual([]);
  });

  it('goes with the last controller', async () => {
    await standby.stop();
    const pid = slipway.proxyPid();
    expect(isRunning(pid ?? 0, 'proxy')).toBe(true);
    await slipway.endDaemon('SIGTERM');
    expect(slipway.proxyPid()).toBeNull();
    expect(isRunning(pid ?? 0, 'proxy')).toBe(false);
    expect(await listProxies()).toEqual([]);
  });
});
