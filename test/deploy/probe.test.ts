// One probe against real sockets of this process, and commands against the fake engine.
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { RuntimeFailure } from '../../deploy/errors.ts';
import { parseHealthcheck, runProbe } from '../../deploy/probe.ts';
import type { Healthcheck, ProbeKind } from '../../strategies/model.ts';
import { FakeRuntime } from '../fakes/runtime.ts';
import { sampleHealthcheck, sampleRequest } from './sample-revision.ts';

const OK = [{ from: 200, to: 299 }];
const http = (path = '/health', status = OK): ProbeKind => ({ kind: 'http', path, status });
const open: Server[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await new Promise((resolve) => server.close(resolve));
});

async function listen(server: Server): Promise<string> {
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return typeof address === 'object' && address !== null ? `127.0.0.1:${address.port}` : '';
}
const serve = (answer: RequestListener) => listen(createHttpServer(answer));
const probe = async (address: string | null, kind: ProbeKind, parts: Partial<Healthcheck> = {}) => {
  const container = { id: 'x', state: 'running' as const, address };
  const signal = new AbortController().signal;
  return await runProbe(
    new FakeRuntime(),
    container,
    sampleHealthcheck(kind, { timeoutMs: 400, ...parts }),
    8080,
    signal,
  );
};

describe('a probe over HTTP/2', () => {
  const h2c = (path = '/health', status = OK): ProbeKind => ({ kind: 'http', path, status, protocol: 'h2c' });

  const patient = { timeoutMs: 5_000 };

  async function serveH2c(onStream: (stream: ServerHttp2Stream) => void): Promise<string> {
    const server = createHttp2Server();
    server.on('stream', (stream) => {
      stream.on('error', () => undefined);
      onStream(stream);
    });
    return await listen(server);
  }

  test.each([
    [200, true],
    [404, false],
  ])('takes %i for %s', async (status, ok) => {
    const address = await serveH2c((stream) => {
      stream.respond({ ':status': status });
      stream.end('a');
    });
    expect(await probe(address, h2c(), patient)).toEqual({ ok, detail: `GET /health → ${status}` });
  });

  test('of a body without end is answered, of one that breaks off it is not', async () => {
    const endless = await serveH2c((stream) => {
      stream.respond({ ':status': 200 });
      stream.write(Buffer.alloc(100_000));
    });
    expect((await probe(endless, h2c(), patient)).ok).toBe(true);
    const broken = await serveH2c((stream) => {
      stream.respond({ ':status': 200 });
      stream.write('a', () => stream.destroy(new Error('broken')));
    });
    expect((await probe(broken, h2c())).ok).toBe(false);
  });

  test('says when it is not HTTP/2 that is spoken, or nothing at all', async () => {
    const address = await serve((_, response) => response.end());
    expect(await probe(address, h2c(), patient)).toMatchObject({
      ok: false,
      detail: expect.stringMatching(/does not speak HTTP\/2/),
    });
    const sockets: Socket[] = [];
    const silent = await listen(createServer((socket) => sockets.push(socket)));
    expect(await probe(silent, h2c())).toMatchObject({
      ok: false,
      detail: expect.stringMatching(/no answer/),
    });
    for (const socket of sockets) socket.destroy();
    expect((await probe('127.0.0.1:1', h2c())).ok).toBe(false);
  });
});

describe('an HTTP probe', () => {
  test.each([
    [200, true],
    [299, true],
    [302, false],
    [404, false],
    [500, false],
  ])('takes %i for %s, and follows no redirect', async (status, ok) => {
    const address = await serve((_, response) =>
      response.writeHead(status, { location: '/elsewhere' }).end(),
    );
    expect(await probe(address, http())).toMatchObject({ ok, detail: `GET /health → ${status}` });
  });

  test('accepts the codes that the spec lists', async () => {
    const address = await serve((_, response) => response.writeHead(401).end());
    expect((await probe(address, http('/', [...OK, { from: 401, to: 401 }]))).ok).toBe(true);
  });

  test('says whom it asks and who asks', async () => {
    let seen = '';
    const address = await serve((request, response) => {
      seen = `${request.method} ${request.url} ${request.headers.host} ${request.headers['user-agent']}`;
      response.end();
    });
    await probe(address, http('/a?b=c'));
    expect(seen).toBe(`GET /a?b=c ${address} slipway-probe`);
  });

  test('fails on an answer that never ends its head, and on one that never ends its body', async () => {
    const silent = await serve(() => undefined);
    expect(await probe(silent, http())).toMatchObject({
      ok: false,
      detail: `no answer from ${silent} within 400 ms`,
    });
    const endless = await serve((_, response) => response.write('x'));
    expect((await probe(endless, http())).ok).toBe(false);
  });

  test('reads no more than 64 KiB of a large body', async () => {
    const address = await serve((_, response) => {
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(16_384)));
      };
      response.on('drain', more);
      more();
    });
    expect((await probe(address, http(), { timeoutMs: 5_000 })).ok).toBe(true);
  });

  test('fails on a body that breaks off, and on what is no HTTP', async () => {
    const broken = await serve((_, response) => {
      response.writeHead(200, { 'content-length': '10' });
      response.write('x', () => response.destroy());
    });
    expect((await probe(broken, http())).ok).toBe(false);
    const noise = await listen(
      createServer((socket) =>
        socket
          .on('error', () => socket.destroy())
          .resume()
          .end('SSH-2.0-x\r\n'),
      ),
    );
    expect((await probe(noise, http())).ok).toBe(false);
  });
});

test('a TCP probe connects, or says why not', async () => {
  const address = await listen(createServer((socket) => socket.destroy()));
  expect(await probe(address, { kind: 'tcp' })).toMatchObject({
    ok: true,
    detail: `connect ${address} → open`,
  });
  await new Promise((resolve) => open.pop()?.close(resolve));
  expect((await probe(address, { kind: 'tcp' })).detail).toContain('ECONNREFUSED');
});

test('without an address an address cannot be probed', async () => {
  expect(await probe(null, { kind: 'tcp' })).toMatchObject({ ok: false, detail: 'it has no address yet' });
});

test('a container that does not run fails every probe', async () => {
  const container = { id: 'x', state: 'exited' as const, address: null };
  const { signal } = new AbortController();
  const result = await runProbe(
    new FakeRuntime(),
    container,
    sampleHealthcheck({ kind: 'none' }),
    null,
    signal,
  );
  expect(result).toMatchObject({ ok: false, detail: 'the container is exited' });
});

test('a probe that is given up is thrown, so that it counts for nothing', async () => {
  const address = await serve(() => undefined);
  const cancel = new AbortController();
  const container = { id: 'x', state: 'running' as const, address };
  const running = runProbe(new FakeRuntime(), container, sampleHealthcheck(http()), 8080, cancel.signal);
  cancel.abort();
  await expect(running).rejects.toMatchObject({ code: 'cancelled' });
});

describe('commands', () => {
  const start = async (healthcheck?: readonly string[]) => {
    const runtime = new FakeRuntime();
    const resolved = runtime.addImage('shop/web', 'v1', healthcheck === undefined ? {} : { healthcheck });
    await runtime.start(sampleRequest(resolved));
    const [container] = await runtime.list('/slipway');
    if (container === undefined) throw new Error('nothing was started');
    return { runtime, container: { ...container, address: null } };
  };
  const run = async (kind: ProbeKind, healthcheck?: readonly string[], port: number | null = null) => {
    const { runtime, container } = await start(healthcheck);
    return await runProbe(runtime, container, sampleHealthcheck(kind), port, new AbortController().signal);
  };

  test.each([
    ['exec that passes', { kind: 'exec', test: ['CMD', 'check'] }, undefined, true, 'check → exit 0'],
    [
      'exec that fails',
      { kind: 'exec', test: ['CMD-SHELL', 'false'] },
      undefined,
      false,
      '/bin/sh -c false → exit 1',
    ],
    ['image with a HEALTHCHECK', { kind: 'image' }, ['CMD', 'check'], true, 'check → exit 0'],
    ['image without one', { kind: 'image' }, undefined, false, 'the image declares no HEALTHCHECK'],
    ['image that disables it', { kind: 'image' }, ['NONE'], false, 'the image declares no HEALTHCHECK'],
    ['auto with a HEALTHCHECK', { kind: 'auto' }, ['CMD', 'false'], false, 'false → exit 1'],
    ['auto without anything', { kind: 'auto' }, undefined, true, 'running'],
    ['none', { kind: 'none' }, undefined, true, 'running'],
  ] as const)('%s', async (_name, kind, healthcheck, ok, detail) => {
    const result = await run(kind, healthcheck);
    expect(result.ok).toBe(ok);
    expect(result.detail).toContain(detail);
  });

  test('auto with a port and no HEALTHCHECK is TCP', async () => {
    expect(await run({ kind: 'auto' }, undefined, 8080)).toMatchObject({
      ok: false,
      detail: 'it has no address yet',
    });
  });

  test('an engine that is away is thrown, not held against the container', async () => {
    const { runtime, container } = await start(['CMD', 'check']);
    runtime.failNext('exec', new RuntimeFailure('engine-unavailable', 'connect ENOENT'));
    const { signal } = new AbortController();
    await expect(
      runProbe(runtime, container, sampleHealthcheck({ kind: 'auto' }), null, signal),
    ).rejects.toMatchObject({
      code: 'engine-unavailable',
    });
  });
});

test.each([
  ['CMD', ['CMD', 'a', 'b'], ['a', 'b']],
  ['CMD-SHELL', ['CMD-SHELL', 'a | b'], ['/bin/sh', '-c', 'a | b']],
  ['a bare list', ['a', 'b'], ['a', 'b']],
  ['NONE', ['NONE'], null],
  ['nothing', [], null],
  ['no HEALTHCHECK', null, null],
  ['CMD with nothing', ['CMD'], null],
])('Docker’s form %s', (_name, form, command) => {
  expect(parseHealthcheck(form)).toEqual(command);
});
