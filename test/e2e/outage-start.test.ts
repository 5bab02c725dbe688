// Everything starts, and says what it lacks, while etcd is away: a proxy from its snapshot, a controller that waits.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startLoad } from '../../scripts/load.ts';
import { sendBurst } from '../../scripts/load-burst.ts';
import { findFreePorts } from '../support/names.ts';
import { Service } from '../support/service.ts';
import { type Slipway, startSlipway } from '../support/slipway.ts';
import { buildVersions, REPOSITORY } from '../support/versions.ts';
import { waitFor } from '../support/wait.ts';

let slipway: Slipway;
let service: Service;

beforeAll(async () => {
  await buildVersions('v1', 'v2', 'v3');
  slipway = await startSlipway();
  const tuning = { monitor: '200ms' };
  service = new Service(slipway, { image: REPOSITORY, strategy: 'rolling', spec: { replicas: 2 }, tuning });
  await service.stand('v1');
});
afterAll(async () => {
  await slipway?.stop();
});

async function ask(port: number, path: string): Promise<{ status: number; body: unknown }> {
  const reply = await fetch(`http://127.0.0.1:${port}${path}`);
  const text = await reply.text();
  return { status: reply.status, body: text.startsWith('{') ? JSON.parse(text) : text };
}

async function untilMissing(port: number, missing: Readonly<Record<string, string>>): Promise<void> {
  await waitFor('/readyz to say what is missing', async () => {
    const { status, body } = await ask(port, '/readyz');
    expect([status, body]).toEqual([503, { ready: false, missing }]);
    return true;
  });
}

async function expectTraffic(version: string): Promise<void> {
  const { byVersion, problems } = await sendBurst(service.target, 50);
  expect({ byVersion, problems }).toEqual({ byVersion: { [version]: 50 }, problems: [] });
}

const AWAY = { store: 'etcd does not answer', leader: 'no controller leads' };

describe('while etcd is away', () => {
  it('a daemon that starts serves from its proxy’s snapshot, says what is missing, and ends when told', async () => {
    await slipway.endDaemon('SIGTERM');
    await slipway.etcd.kill();
    slipway.launchDaemon();
    await untilMissing(slipway.ports.admin, AWAY);
    await waitFor('the proxy', () => fetch(`http://127.0.0.1:${slipway.ports.http}/`));
    await expectTraffic('v1');
    expect(await ask(slipway.ports.proxyAdmin, '/readyz')).toMatchObject({ status: 200 });
    expect(await ask(slipway.ports.admin, '/api/v1/services')).toMatchObject({
      status: 503,
      body: { error: 'store-unavailable' },
    });
    await slipway.endDaemon('SIGTERM');
    expect(slipway.log()).not.toContain('"level":"error"');
    slipway.launchDaemon();
    await slipway.etcd.restart();
    await slipway.untilReady();
    await service.succeed('v2');
    await expectTraffic('v2');
  });

  it('a proxy without a snapshot says that it has no table, and ends when told', async () => {
    await slipway.etcd.kill();
    const [http = 0, admin = 0] = await findFreePorts(2);
    const places = ['--http', `127.0.0.1:${http}`, '--admin', `127.0.0.1:${admin}`, '--id', 'alone'];
    const proxy = slipway.launch('proxy', places);
    await untilMissing(admin, { table: 'no table yet: etcd has not answered, and there is no snapshot' });
    expect(await ask(admin, '/metrics')).toMatchObject({
      status: 200,
      body: expect.stringContaining('slipway_proxy_table_version 0'),
    });
    await expect(fetch(`http://127.0.0.1:${http}/`)).rejects.toThrow();
    proxy.kill('SIGTERM');
    expect(await proxy.exited).toBe(0);
    await slipway.etcd.restart();
    await slipway.untilReady();
  });

  it('and the controller too, the proxy serves on', async () => {
    const load = startLoad({ ...service.target, perSecond: 50 });
    await slipway.endDaemon('SIGKILL');
    await slipway.etcd.kill();
    await expectTraffic('v2');
    await waitFor('a second of traffic', async () => load.report().requests >= 50);
    await slipway.etcd.restart();
    await slipway.startDaemon();
    await service.succeed('v3');
    const { failures, requests } = await load.stop();
    expect(failures).toEqual([]);
    expect(requests).toBeGreaterThan(100);
  });
});
