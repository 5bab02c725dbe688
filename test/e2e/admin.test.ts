// The admin server of the real daemon: what it tells of a release while it happens and afterwards, to whoever asks, to
// Prometheus and to a stream; and the one way to change something, for whoever has the token.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sendBurst } from '../../scripts/load-burst.ts';
import { readValue } from '../src/telemetry/exposition.ts';
import { EventReader } from '../support/event-reader.ts';
import { findFreePorts } from '../support/names.ts';
import { Service } from '../support/service.ts';
import { type Slipway, startSlipway } from '../support/slipway.ts';
import { buildVersions, REPOSITORY } from '../support/versions.ts';
import { waitFor } from '../support/wait.ts';

const TOKEN = 'correct-horse-battery';
let slipway: Slipway;
let service: Service;
let folder: string;

beforeAll(async () => {
  await buildVersions('v1', 'v2');
  folder = mkdtempSync(join(tmpdir(), 'slipway-admin-'));
  writeFileSync(join(folder, 'token'), `${TOKEN}\n`, { mode: 0o600 });
  slipway = await startSlipway({ arguments: ['--admin-token-file', join(folder, 'token')] });
  const tuning = { steps: [{ weight: 50 }, { pause: '500ms' }], monitor: '500ms' };
  service = new Service(slipway, { image: REPOSITORY, strategy: 'canary', spec: { replicas: 2 }, tuning });
});
afterAll(async () => {
  await slipway?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const urlOf = (path: string, port = slipway.ports.admin) => `http://127.0.0.1:${port}${path}`;

async function ask(path: string, init: RequestInit = {}): Promise<{ status: number; body: unknown }> {
  const response = await fetch(urlOf(path), init);
  return { status: response.status, body: await response.json() };
}

async function scrape(port?: number): Promise<string> {
  return await (await fetch(urlOf('/metrics', port))).text();
}

function send(command: string, authorization: string | null, port?: number): Promise<Response> {
  const headers = {
    'content-type': 'application/json',
    ...(authorization === null ? {} : { authorization }),
  };
  const body = JSON.stringify({ command });
  return fetch(urlOf(`/api/v1/services/${service.name}/command`, port), { method: 'POST', headers, body });
}

describe('the admin server', () => {
  it('streams the events of a rollout in their order, and again to whoever comes back', async () => {
    await service.stand('v1');
    const events = await EventReader.open(urlOf(`/api/v1/events?service=${service.name}`));
    const finished = await service.finish(await service.ask('v2'));
    const names = { service: service.name, rollout: finished.id, version: 'v2' };
    const started = await events.next(({ kind }) => kind === 'rollout-started');
    expect(started.data).toMatchObject({ ...names, strategy: 'canary', rolloutKind: 'release', revision: 2 });
    const step = await events.next(({ kind, data }) => kind === 'rollout-step' && data.index === 1);
    expect(step.data).toMatchObject({ rollout: finished.id, count: 3, what: 'pause 500ms' });
    const ended = await events.next(({ kind }) => kind === 'rollout-finished');
    expect(ended.data).toMatchObject({ ...names, outcome: 'succeeded', reason: null });
    const idle = await events.next(({ kind }) => kind === 'phase-changed');
    expect(idle.data).toMatchObject({ from: 'monitoring', to: 'idle' });
    const action = await events.next(({ kind, data }) => kind === 'action-done' && data.action === 'stop');
    expect(action.data.subject).toMatch(`${service.name}-r1-`);
    await events.close();
    const again = await EventReader.open(urlOf(`/api/v1/events?service=${service.name}`), started.id);
    expect(await again.next(({ kind }) => kind === 'rollout-finished')).toEqual(ended);
    expect(again.kinds()).not.toContain('rollout-started');
    await again.close();
  });

  it('counts the rollouts, and shows who is stable, to Prometheus', async () => {
    const text = await scrape();
    const rollouts = (outcome: string) =>
      readValue(text, 'slipway_rollouts_total', { service: service.name, strategy: 'canary', outcome });
    expect(rollouts('succeeded')).toBe(2);
    for (const outcome of ['rolled-back', 'failed', 'superseded', 'aborted'])
      expect([outcome, rollouts(outcome)]).toEqual([outcome, 0]);
    const of = (name: string, labels: Readonly<Record<string, string>>) =>
      readValue(text, name, { service: service.name, ...labels });
    const canary = { strategy: 'canary', outcome: 'succeeded' };
    expect(of('slipway_rollout_duration_seconds_count', canary)).toBe(2);
    expect(of('slipway_rollout_phase', { phase: 'idle' })).toBe(1);
    expect(of('slipway_rollout_phase', { phase: 'progressing' })).toBe(0);
    expect(of('slipway_traffic_weight', { role: 'stable', kind: 'effective' })).toBe(100);
    expect(of('slipway_replicas', { role: 'stable', state: 'ready' })).toBe(2);
    const digest = (await slipway.status(service.name))?.stable?.digest ?? '';
    expect(of('slipway_revision_info', { role: 'stable', revision: '2', version: 'v2', digest })).toBe(1);
    expect(readValue(text, 'slipway_leader')).toBe(1);
    expect(readValue(text, 'slipway_store_connected')).toBe(1);
  });

  it('tells the status of all services, and of one with its history', async () => {
    const status = await slipway.status(service.name);
    expect(await ask('/api/v1/services')).toEqual({ status: 200, body: [status] });
    const history = (await service.history()).toSorted((a, b) => b.revision - a.revision);
    expect(history.map(({ version }) => version)).toEqual(['v2', 'v1']);
    const one = await ask(`/api/v1/services/${service.name}`);
    expect(one).toEqual({ status: 200, body: { ...status, history } });
    const none = await ask('/api/v1/services/nobody');
    expect(none).toMatchObject({ status: 404, body: { error: 'no-such-service' } });
  });

  it('names the proxy as a target, and there the traffic is counted', async () => {
    const address = `127.0.0.1:${slipway.ports.proxyAdmin}`;
    const labels = { __meta_slipway_proxy: expect.stringContaining(`-${slipway.ports.http}`) };
    expect(await ask('/api/v1/targets')).toEqual({
      status: 200,
      body: [{ targets: [address], labels }],
    });
    const count = async () => {
      const series = { service: service.name, role: 'stable', revision: '2', code: '2xx' };
      return readValue(await scrape(slipway.ports.proxyAdmin), 'slipway_proxy_requests_total', series) ?? 0;
    };
    const before = await count();
    expect((await sendBurst(service.target, 25)).problems).toEqual([]);
    await waitFor('the answers to be counted', async () => (await count()) >= before + 25);
    expect(await count()).toBe(before + 25);
  });

  it('takes a command from whoever has the token, and from nobody else', async () => {
    const wrong = [null, 'Bearer wrong', `Basic ${TOKEN}`, `Bearer ${TOKEN}x`];
    for (const authorization of wrong) {
      const response = await send('restart', authorization);
      expect([authorization, response.status]).toEqual([authorization, 401]);
      expect(await response.json()).toMatchObject({ error: 'wrong-token' });
    }
    const unread = await slipway.status(service.name);
    expect([unread?.observed.command, unread?.rollout]).toEqual([null, null]);
    const taken = await send('restart', `Bearer ${TOKEN}`);
    expect(taken.status).toBe(202);
    expect(await taken.json()).toEqual({ service: service.name, command: 'restart' });
    const status = await service.until('the restart', ({ last }) => last?.kind === 'restart');
    expect(status).toMatchObject({ stable: { version: 'v2', revision: 3 }, last: { outcome: 'succeeded' } });
  });

  it('takes none at all where no token is configured', async () => {
    const [port = 0] = await findFreePorts(1);
    const other = slipway.launch('serve', ['--no-proxy', '--admin', `127.0.0.1:${port}`]);
    try {
      await waitFor('the other daemon', async () => (await fetch(urlOf('/healthz', port))).ok);
      const response = await send('restart', `Bearer ${TOKEN}`, port);
      expect(response.status).toBe(403);
      expect(await response.json()).toMatchObject({ error: 'no-token' });
    } finally {
      await other.stop();
    }
  });
});
