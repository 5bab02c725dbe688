import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { entryOf, Rig, readText, type TestTarget, talk, until } from '../rig.ts';
import { answer, burn, CLOSE, converse, GET, open } from './http1-stage.ts';

const rig = new Rig();
afterEach(() => rig.close());

const LARGE = 64 * 1024 * 1024;

/** `/slow` says `one` at once, and `two` when it is let; everything else echoes its path. */
async function slow(): Promise<TestTarget & { readonly seen: string[]; readonly releases: (() => void)[] }> {
  const [seen, releases]: [string[], (() => void)[]] = [[], []];
  const target = await rig.target((incoming, response) => {
    seen.push(incoming.url ?? '');
    if (incoming.url !== '/slow') {
      response.end(`at ${incoming.url}`);
      return;
    }
    response.write('one');
    releases.push(() => response.end('two'));
  });
  return { ...target, seen, releases };
}

/** Sends this again and again, up to 64 MiB. Returns how much the system has taken. */
function pour(socket: Socket, part: string): () => number {
  let sent = 0;
  const next = (error?: Error | null): void => {
    if (error) return;
    sent += part.length;
    if (sent < LARGE) socket.write(part, next);
  };
  socket.write(part, next);
  return () => sent;
}

/** Resolves when it no longer changes. All ends are in this process: who reads on has done so between two looks. */
async function settled(look: () => number): Promise<void> {
  for (let [last, same] = [look(), 0]; same < 20; same += 1) {
    await sleep(10);
    if (look() !== last) [last, same] = [look(), 0];
  }
}

const inFlight = async (): Promise<number | undefined> =>
  (await rig.proxy?.stats())?.services.web?.revisions[0]?.inFlight;

describe('requests that come in one segment', () => {
  it('are asked for one after the other, and all are answered in their order', async () => {
    let [now, most] = [0, 0];
    const target = await rig.target(async (incoming, response) => {
      now += 1;
      most = Math.max(most, now);
      const text = await readText(incoming);
      await sleep(1);
      now -= 1;
      response.end(`[${text}]`);
    });
    const port = await rig.serve({ web: entryOf([target]) });
    const numbers = Array.from({ length: 300 }, (_, number) => String(number));
    const post = (text: string): string =>
      `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
    const received = await talk(port, numbers.map(post).join('') + GET('/', CLOSE));
    expect(received.match(/\[\d*\]/g)).toEqual([...numbers, ''].map((text) => `[${text}]`));
    expect(most).toBe(1);
  });

  it('with an upgrade behind a slow one do no harm: it is answered plainly, in its turn', async () => {
    const target = await slow();
    const port = await rig.serve({ web: entryOf([target]) });
    const upgrade = GET('/ws', 'Connection: Upgrade, close\r\nUpgrade: websocket\r\n');
    const client = open(port, GET('/slow') + upgrade);
    await until(() => client.received.includes('one'), 'the first is being answered');
    expect(target.seen).toEqual(['/slow']);
    for (const release of target.releases) release();
    await until(() => client.ended, 'all is answered');
    expect(client.received).toMatch(
      /^HTTP\/1\.1 200 [\s\S]*one[\s\S]*two[\s\S]*HTTP\/1\.1 200 [\s\S]*at \/ws/,
    );
    expect(rig.problems).toEqual([]);
  });

  it.each([
    ['no HTTP', 'GARBAGE\r\n\r\n', '400'],
    ['CONNECT', 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n', '400'],
    ['half a head, for too long', 'GET /never HTTP/1.1\r\nHos', '408'],
  ])(
    'with %s behind a slow one: the refusal comes behind its answer, not into it',
    async (_name, text, code) => {
      const target = await slow();
      const port = await rig.serve({ web: entryOf([target]) }, { headersTimeoutMs: 100 });
      const client = open(port, GET('/slow') + text);
      await until(() => client.received.includes('one'), 'the first is being answered');
      await sleep(1_500);
      for (const release of target.releases) release();
      await until(() => client.ended, 'the connection has ended');
      const chunks = '3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n';
      expect(client.received).toContain(`\r\n\r\n${chunks}HTTP/1.1 ${code} `);
      expect(target.seen).toEqual(['/slow']);
    },
  );

  it('with CONNECT behind one with a large answer get all of that, and then the refusal', async () => {
    const large = 'x'.repeat(32 * 1024 * 1024);
    const target = await rig.target((_incoming, response) => response.end(large));
    const port = await rig.serve({ web: entryOf([target]) });
    const received = await talk(port, `${GET('/')}CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n`);
    expect(received.indexOf('HTTP/1.1 400 ')).toBe(received.indexOf('\r\n\r\n') + 4 + large.length);
    await until(async () => (await inFlight()) === 0, 'nothing is in flight');
  });

  it.each([
    ['one that is refused', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', ' 400 '],
    ['an expectation that is refused', GET('/x', 'Expect: coffee\r\n'), ' 417 '],
    ['one that asks for the end', GET('/last', CLOSE), ' 200 '],
    ['half of one in HTTP/1.0', 'GET /old HTTP/1.0\r\nHost: a\r\n\r\n', ' 200 '],
  ])('are not served behind %s', async (_name, text, code) => {
    const target = await slow();
    const port = await rig.serve({ web: entryOf([target]) });
    // Leaves a connection to the target behind, on which the next one would be sent at once.
    await talk(port, GET('/first', CLOSE));
    const received = await talk(port, text + GET('/behind').repeat(3));
    expect(received.match(/HTTP\/1\.1 \d+ /g)).toEqual([`HTTP/1.1${code}`]);
    // What is asked on another connection afterwards would come behind it.
    await talk(port, GET('/mark', CLOSE));
    expect(target.seen.filter((path) => /behind/.test(path))).toEqual([]);
  });

  it.each([
    ['more of them', '', GET('/more', `X-Fill: ${'x'.repeat(8_000)}\r\n`).repeat(16)],
    ['a body', GET('/more') + GET('/body', `Content-Length: ${LARGE}\r\n`), 'x'.repeat(128_000)],
  ])('are not read without a bound while the first is answered: %s', async (_name, behind, part) => {
    const target = await slow();
    const port = await rig.serve({ web: entryOf([target]) });
    const client = open(port, GET('/slow') + behind);
    const sent = pour(client.socket, part);
    await until(() => client.received.includes('one'), 'the first is being answered');
    await settled(sent);
    // What the two sockets hold, and no more.
    const held = sent();
    expect(held).toBeLessThan(LARGE / 2);
    for (const release of target.releases) release();
    await until(() => client.received.includes('at /more'), 'the others are served');
    await until(() => sent() > held, 'reading goes on');
    client.socket.destroy();
    await until(async () => (await rig.proxy?.stats())?.connections === 0, 'the connection has ended');
  });
});

describe('a request whose body is stopped at its last piece', () => {
  it('does not stop the connection: the next one is served', async () => {
    const [port, open] = await converse(rig, (conversation) => {
      const { request } = conversation;
      request.on('data', () => request.pause());
      if (request.complete) answer(conversation);
      else request.once('end', () => answer(conversation));
    });
    const client = connect(port, '127.0.0.1');
    for (const path of ['/one', '/two']) {
      client.write(`POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab`);
      const [bytes] = await once(client, 'data');
      expect(String(bytes)).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nok$/);
    }
    client.destroy();
    await until(() => open.size === 0, 'it has ended');
  });
});

describe('requests that are answered at once', () => {
  it('all are, behind a slow one, although the client has ended its side meanwhile', async () => {
    const [port, connections] = await converse(rig, (conversation) => {
      const path = conversation.request.url ?? '';
      if (path === '/slow') setTimeout(() => answer(conversation, path), 100);
      else answer(conversation, path);
    });
    const client = open(port, GET('/slow') + GET('/one') + GET('/two'));
    client.socket.end();
    await until(() => client.ended, 'the connection has ended');
    expect(client.received.match(/\/\w+$|\/\w+(?=HTTP)/g)).toEqual(['/slow', '/one', '/two']);
    await until(() => connections.size === 0, 'none is left');
  });

  it('with more behind the last one: what its client still sends does not reset the connection', async () => {
    const [port, connections] = await converse(rig, (conversation) => answer(conversation));
    const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    client.write(GET('/last', CLOSE) + GET('/behind'));
    client.resume();
    await once(client, 'end');
    for (let time = 0; time < 5; time += 1) {
      client.write(GET('/behind'));
      await sleep(10);
    }
    expect(client.errored).toBe(null);
    client.end();
    await until(() => connections.size === 0, 'it has ended');
  });
});

describe('a client that ends its side', () => {
  it('is answered all that it has asked for, and leaves no connection', async () => {
    const target = await slow();
    const port = await rig.serve({ web: entryOf([target]) });
    const client = open(port, GET('/slow') + GET('/next'));
    client.socket.end();
    await until(() => client.received.includes('one'), 'the first is being answered');
    await sleep(100);
    for (const release of target.releases) release();
    await until(() => client.ended, 'the connection has ended');
    expect(client.received).toMatch(/one[\s\S]*two[\s\S]*at \/next/);
    await until(async () => (await rig.proxy?.stats())?.connections === 0, 'none is left');
  });

  it('and is gone altogether does not keep a request that nobody answers', async () => {
    let asked = 0;
    const target = await rig.target(() => {
      asked += 1;
    });
    const port = await rig.serve({ web: entryOf([target]) });
    const client = open(port, GET('/'));
    await until(() => asked === 1, 'the target is asked');
    client.socket.destroy();
    await until(async () => (await inFlight()) === 0 && target.sockets.size === 0, 'it is given up');
  });
});

describe('a client that leaves while its request waits for a target', () => {
  it.each([
    ['a request without a body', GET('/'), 'resetAndDestroy'],
    ['a request with a body', `${GET('/', 'Content-Length: 3\r\n')}abc`, 'resetAndDestroy'],
    ['half of a body', `${GET('/', 'Content-Length: 3\r\n')}a`, 'resetAndDestroy'],
    ['a request with a body, and then its end', `${GET('/', 'Content-Length: 3\r\n')}abc`, 'destroy'],
    ['another request behind it', GET('/').repeat(2), 'resetAndDestroy'],
  ] as const)('is seen to, behind %s', async (_name, text, leave) => {
    const proxy = { park: { timeout: '60s' } };
    const port = await rig.serve({ web: entryOf([], { coming: true, proxy }) });
    const client = open(port, text);
    const parked = async (): Promise<number | undefined> => (await rig.proxy?.stats())?.services.web?.parked;
    await until(async () => (await parked()) === 1, 'it waits');
    client.socket[leave]();
    await until(async () => (await parked()) === 0, 'nobody waits');
    expect((await rig.proxy?.stats())?.connections).toBe(0);
  });
});

describe('a head that has come in while its process stood still', () => {
  it('has come in time', async () => {
    const target = await rig.target((_incoming, response) => response.end('fine'));
    const port = await rig.serve({ web: entryOf([target]) }, { headersTimeoutMs: 200 });
    const client = open(port, '');
    await until(async () => (await rig.proxy?.stats())?.connections === 1, 'it is connected');
    client.socket.write(GET('/', CLOSE));
    burn(1_300);
    await until(() => client.ended, 'it is answered');
    expect(client.received).toMatch(/^HTTP\/1\.1 200 [\s\S]*fine$/);
  });
});

describe('a proxy that ends', () => {
  it('does not wait for the rest of a head longer than ever', async () => {
    const target = await slow();
    const port = await rig.serve({ web: entryOf([target]) }, { headersTimeoutMs: 300 });
    const client = open(port, 'GET / HTTP/1.1\r\nHos');
    await until(async () => (await rig.proxy?.stats())?.connections === 1, 'it is connected');
    await rig.proxy?.retire(50);
    await until(() => client.ended, 'the connection has ended');
    expect(client.received).toMatch(/^HTTP\/1\.1 408 /);
  });
});

describe('what is no request', () => {
  it('is counted as what nobody served', async () => {
    const target = await slow();
    const port = await rig.serve({ web: entryOf([target]) });
    expect(await talk(port, 'GARBAGE\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
    expect(await talk(port, `GET /${'x'.repeat(40_000)} HTTP/1.1\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 /);
    expect((await rig.proxy?.stats())?.unrouted).toEqual([0, 0, 0, 2, 0]);
  });

  it('is counted once, also when its client then ends its side', async () => {
    const target = await slow();
    const port = await rig.serve({ web: entryOf([target]) }, { headersTimeoutMs: 200 });
    expect(await talk(port, 'GET / HTTP/1.1\r\nHos')).toMatch(/^HTTP\/1\.1 408 /);
    await until(async () => (await rig.proxy?.stats())?.connections === 0, 'the connection has ended');
    expect((await rig.proxy?.stats())?.unrouted).toEqual([0, 0, 0, 1, 0]);
  });
});
