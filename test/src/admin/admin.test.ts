// The admin servers over real HTTP: answers, who is answered, who may change something.
import { createServer } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { startProxyAdmin } from '../../../src/admin/admin.ts';
import { type Call, call, startWorld } from './world.ts';

type World = Awaited<ReturnType<typeof startWorld>>;

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
});

async function start(over: Parameters<typeof startWorld>[0] = {}): Promise<World> {
  const world = await startWorld(over);
  open.push(world);
  return world;
}

describe('reading', () => {
  test.each([
    ['/healthz', { healthy: true }],
    ['/readyz', { ready: true }],
    ['/api/v1/services', [{ service: 'web', phase: 'idle' }]],
    ['/api/v1/services/', [{ service: 'web', phase: 'idle' }]],
    ['/api/v1/services/web', { service: 'web', phase: 'idle', history: [{ id: 'web-4-1287' }] }],
    ['/api/v1/targets', [{ targets: ['127.0.0.1:9181'], labels: { __meta_slipway_proxy: 'p1' } }]],
  ])('%s', async (path, expected) => {
    const { address } = await start();
    const reply = await call(address, path);
    expect(reply.status).toBe(200);
    expect(JSON.parse(reply.text)).toEqual(expected);
    expect(reply.headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'cache-control': 'no-store',
    });
    expect(reply.headers).not.toHaveProperty('access-control-allow-origin');
  });

  test('/metrics', async () => {
    const { address } = await start();
    const reply = await call(address, '/metrics');
    expect([reply.status, reply.headers['content-type'], reply.text]).toEqual([
      200,
      'text/plain; version=0.0.4; charset=utf-8',
      'a 1\n',
    ]);
  });

  test('what is wrong beside is a warning, and does not make it unready', async () => {
    const { address } = await start({ warnings: () => ({ log: 'the disk is full', other: null }) });
    const reply = await call(address, '/readyz');
    expect([reply.status, JSON.parse(reply.text)]).toEqual([
      200,
      { ready: true, warnings: { log: 'the disk is full' } },
    ]);
  });

  test('not ready: 503 with what is missing and why', async () => {
    const { address } = await start({
      ready: () => ({ store: 'etcd does not answer', leader: 'another leads', engine: null }),
    });
    const reply = await call(address, '/readyz');
    expect(reply.status).toBe(503);
    expect(JSON.parse(reply.text)).toEqual({
      ready: false,
      missing: { store: 'etcd does not answer', leader: 'another leads' },
    });
    expect((await call(address, '/healthz')).status).toBe(200);
  });

  test.each([
    ['an unknown service', '/api/v1/services/shop', 'no-such-service'],
    ['a name that is none', '/api/v1/services/..%2Fweb', 'no-such-service'],
    ['an unknown path', '/secret', 'not-found'],
  ])('%s is a 404', async (_rule, path, error) => {
    const { address } = await start();
    const reply = await call(address, path);
    expect([reply.status, JSON.parse(reply.text).error]).toEqual([404, error]);
    expect(reply.headers['x-content-type-options']).toBe('nosniff');
  });

  test('a failure of ours is a 500 without its words, and is reported', async () => {
    const failure = new Error('secret detail');
    const { address, errors } = await start({ services: () => Promise.reject(failure) });
    const reply = await call(address, '/api/v1/services');
    expect([reply.status, JSON.parse(reply.text).error]).toEqual([500, 'internal-error']);
    expect(reply.text).not.toContain('secret detail');
    expect(errors).toEqual([failure]);
  });
});

describe('Host', () => {
  test.each([
    ['127.0.0.1:9180', 200],
    ['[::1]:9180', 200],
    ['10.1.2.3', 200],
    ['localhost:9180', 200],
    ['slipway', 200],
    ['slipway.example.com', 200],
    ['SLIPWAY.example.com:9180', 200],
    ['app.localhost', 200],
    ['evil.example.com', 421],
    ['slipway.example.com.evil.com', 421],
    ['127.0.0.1.evil.com', 421],
    ['a b', 421],
  ])('%j → %i', async (host, status) => {
    const { address } = await start();
    for (const path of ['/metrics', '/api/v1/services', '/nowhere']) {
      const reply = await call(address, path, { headers: { host } });
      expect(reply.status === 404 ? 200 : reply.status).toBe(status);
    }
  });
});

describe('changing', () => {
  const path = '/api/v1/services/web/command';
  const post = (body: unknown, headers: Readonly<Record<string, string>> = {}): Call => ({
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer open-sesame', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

  test.each([
    ['promote', 'web: promote'],
    ['rollback 7', 'web: rollback 7'],
    [' rollback   7\n', 'web: rollback 7'],
  ])('%j is written', async (command, written) => {
    const { address, sent } = await start();
    const reply = await call(address, path, post({ command }));
    expect(reply.status).toBe(202);
    expect(sent).toEqual([written]);
  });

  test.each([
    ['no token', { authorization: '' }, 401, 'wrong-token'],
    ['another token', { authorization: 'Bearer open-sesam' }, 401, 'wrong-token'],
    ['another scheme', { authorization: 'Basic open-sesame' }, 401, 'wrong-token'],
    ['an unknown host', { host: 'evil.example.com' }, 421, 'unknown-host'],
    ['a form', { 'content-type': 'text/plain' }, 415, 'bad-request'],
  ])('%s is refused, and nothing is written', async (_rule, headers, status, error) => {
    const { address, sent } = await start();
    const reply = await call(address, path, post({ command: 'promote' }, headers));
    expect([reply.status, JSON.parse(reply.text).error]).toEqual([status, error]);
    expect(sent).toEqual([]);
  });

  test.each([
    ['another word', { command: 'explode' }, 'invalid-command'],
    ['no word', {}, 'bad-request'],
    ['a field too many', { command: 'promote', force: true }, 'bad-request'],
    ['a number', { command: 7 }, 'bad-request'],
    ['a list', ['promote'], 'bad-request'],
    ['no JSON', '{', 'bad-request'],
    ['nothing', '', 'bad-request'],
  ])('%s is a 400', async (_rule, body, error) => {
    const { address, sent } = await start();
    const reply = await call(address, path, post(body));
    expect([reply.status, JSON.parse(reply.text).error]).toEqual([400, error]);
    expect(sent).toEqual([]);
  });

  test('with no token configured changes are off, whatever is sent', async () => {
    const { address, sent } = await start({ token: null });
    for (const authorization of ['', 'Bearer ', 'Bearer null']) {
      const reply = await call(address, path, post({ command: 'promote' }, { authorization }));
      expect([reply.status, JSON.parse(reply.text).error]).toEqual([403, 'no-token']);
      expect(reply.text).toContain('--admin-token-file');
    }
    expect(sent).toEqual([]);
  });

  test('an unknown service is a 404 for those who may ask', async () => {
    const { address, sent } = await start();
    expect((await call(address, '/api/v1/services/shop/command', post({ command: 'promote' }))).status).toBe(
      404,
    );
    expect(sent).toEqual([]);
  });

  test('a store that is away is a 500, not a 202', async () => {
    const { address } = await start({ sendCommand: () => Promise.reject(new Error('etcd is away')) });
    expect((await call(address, path, post({ command: 'promote' }))).status).toBe(500);
  });

  test('a command that still waits is a 409, which names it', async () => {
    const { address } = await start({ sendCommand: async () => 'pause' });
    const reply = await call(address, path, post({ command: 'promote' }));
    expect([reply.status, JSON.parse(reply.text)]).toEqual([
      409,
      {
        error: 'command-waiting',
        message: '"pause" still waits for the controller; only abort goes over it',
      },
    ]);
  });

  test('a body that is too large is refused', async () => {
    const { address, sent } = await start();
    expect((await call(address, path, post({ command: 'x'.repeat(20_000) }))).status).toBe(413);
    expect(sent).toEqual([]);
  });
});

describe('starting and stopping', () => {
  test('a port that is taken is an error that says what to do', async () => {
    const { address } = await start();
    const port = Number(address.split(':')[1]);
    await expect(startWorld({ port })).rejects.toMatchObject({
      code: 'admin-port-taken',
      disposition: 'invalid',
      message: `cannot listen on 127.0.0.1:${port}: something else does; stop it, or give another address with --admin`,
    });
  });

  test('an address of another machine is an error that names it', async () => {
    await expect(startWorld({ host: '192.0.2.1' })).rejects.toMatchObject({
      code: 'admin-listen-failed',
      message: expect.stringContaining('cannot listen on 192.0.2.1:0'),
    });
  });

  test('after close the port is free', async () => {
    const world = await startWorld();
    const port = Number(world.address.split(':')[1]);
    await world.close();
    const probe = createServer();
    await new Promise<void>((resolve, reject) =>
      probe.once('error', reject).listen(port, '127.0.0.1', resolve),
    );
    await new Promise((resolve) => probe.close(resolve));
    await expect(call(world.address, '/healthz')).rejects.toThrow('ECONNREFUSED');
  });

  test("the proxy's own has health, readiness and metrics, and no API", async () => {
    const server = await startProxyAdmin({
      host: '127.0.0.1',
      port: 0,
      allowedHosts: [],
      ready: () => ({ table: 'no table yet' }),
      metrics: async () => ({ contentType: 'text/plain', text: 'b 2\n' }),
      onError: () => undefined,
    });
    open.push(server);
    expect((await call(server.address, '/healthz')).status).toBe(200);
    expect(JSON.parse((await call(server.address, '/readyz')).text).missing).toEqual({
      table: 'no table yet',
    });
    expect((await call(server.address, '/metrics')).text).toBe('b 2\n');
    expect((await call(server.address, '/api/v1/services')).status).toBe(404);
    expect((await call(server.address, '/metrics', { headers: { host: 'evil.com' } })).status).toBe(421);
  });
});
