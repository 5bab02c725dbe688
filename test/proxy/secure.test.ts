// Requests over TLS through the whole proxy, in one process and in several: what targets and clients are told, and that
// certificates change under connections that stand.
import { once } from 'node:events';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { connect as connectPlain, createServer } from 'node:net';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket as Client, type WebSocket, WebSocketServer } from 'ws';
import { issueForHosts, renewForHosts } from '../support/certificates.ts';
import { ask, entryOf, portOf, until } from './rig.ts';
import { SecureRig } from './secure-rig.ts';

let rig: SecureRig;
let agents: Agent[];
beforeEach(async () => {
  rig = new SecureRig();
  agents = [];
  await issueForHosts(rig.folder, 'shop', { hosts: ['shop.test', '*.shop.test'] });
});
afterEach(async () => {
  for (const agent of agents) agent.destroy();
  await rig.close();
});

function keep(): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  agents.push(agent);
  return agent;
}

const host = 'shop.test';
const FAST = { affinity: { cookie: 'stay', ttl: '1h' } };

describe.each([1, 2])('with %i workers', (workers) => {
  it('targets are told https, and clients get a cookie for https alone', async () => {
    const target = await rig.target((incoming, response) => response.end(JSON.stringify(incoming.headers)));
    await rig.serveBoth({ web: entryOf([target], { proxy: FAST }) }, { workers });
    const secure = await rig.ask({ host, headers: { 'X-Forwarded-Proto': 'http' } });
    expect(JSON.parse(secure.body)).toMatchObject({
      'x-forwarded-proto': 'https',
      'x-forwarded-for': '127.0.0.1',
    });
    expect(secure.shown).toBe('shop');
    expect(secure.headers['set-cookie']?.[0]).toMatch(/; Secure/);
    const plain = await ask(rig.port, { headers: { Host: host } });
    expect(JSON.parse(plain.body)).toMatchObject({ 'x-forwarded-proto': 'http' });
    expect(plain.headers['set-cookie']?.[0]).not.toMatch(/Secure/);
  });

  it('a renewed certificate is shown to new connections, and old ones go on', async () => {
    const news: string[] = [];
    const onNews = ({ message }: { readonly message: string }): unknown => news.push(message);
    const https = { ...rig.entrance(), onNews };
    await rig.serveBoth({ web: entryOf([await rig.named('a')]) }, { workers, https });
    const old = keep();
    const first = await rig.ask({ host, agent: old });
    const before = rig.proxy?.certificates().states[0]?.expiresAt ?? 0;
    await renewForHosts(rig.folder, 'shop', { hosts: [host, 'new.test'], days: 5 });
    await until(() => (rig.proxy?.certificates().states[0]?.expiresAt ?? 0) > before, 'the new one is known');
    await until(() => news.some((each) => each.includes('loaded for shop.test, new.test')), 'it is told');
    for (let time = 0; time < 2 * workers; time += 1) {
      const socket = await rig.connect(host);
      expect(socket.getPeerCertificate().subjectaltname).toBe('DNS:shop.test, DNS:new.test');
      expect(await rig.ask({ host, agent: old })).toMatchObject({ status: 200, body: 'a' });
    }
    expect(first.status).toBe(200);
    const [socket] = Object.values(old.freeSockets)[0] ?? [];
    expect((socket as TLSSocket).getPeerCertificate().subjectaltname).toBe('DNS:shop.test, DNS:*.shop.test');
  });

  it('a bad pair beside good ones harms nobody else, at the start and later', async () => {
    for (const name of ['good', 'bad']) await issueForHosts(rig.folder, name, { hosts: [`${name}.test`] });
    copyFileSync(join(rig.folder, 'good.key'), join(rig.folder, 'bad.key'));
    await rig.serveBoth({ web: entryOf([await rig.named('a')]) }, { workers });
    const shownTo = async (name: string) => (await rig.ask({ host: name })).shown;
    expect([await shownTo(host), await shownTo('good.test')]).toEqual(['shop', 'good']);
    await expect(rig.ask({ host: 'bad.test' })).rejects.toThrow(/handshake failure/);
    expect(rig.proxy?.certificates().trouble).toMatch(/^bad: the key is not that of the certificate/);
    writeFileSync(join(rig.folder, 'good.crt'), 'torn');
    await until(() => /good: the .crt is no/.test(rig.proxy?.certificates().trouble ?? ''), 'it is known');
    expect([await shownTo(host), await shownTo('good.test')]).toEqual(['shop', 'good']);
    await issueForHosts(rig.folder, 'bad', { hosts: ['bad.test'] });
    await until(async () => (await shownTo('bad.test').catch(() => '')) === 'bad', 'it is mended');
    const { handshakeErrors } = (await rig.proxy?.stats()) ?? {};
    expect(handshakeErrors?.['no-certificate']).toBeGreaterThan(0);
  });

  it('WebSockets go through, and are ended with a close frame when another proxy takes over', async () => {
    const target = await rig.named('a');
    const sockets = new WebSocketServer({ server: target.server });
    sockets.on('connection', (socket: WebSocket, incoming) => {
      socket.send(String(incoming.headers['x-forwarded-proto']));
      socket.on('message', (message) => socket.send(`echo ${String(message)}`));
    });
    const port = await rig.serveBoth({ web: entryOf([target]) }, { workers });
    const client = new Client(`wss://127.0.0.1:${port}/`, {
      ...{ headers: { Host: host }, servername: host, rejectUnauthorized: false },
    });
    const received: string[] = [];
    client.on('message', (message) => received.push(String(message)));
    await once(client, 'open');
    client.send('x'.repeat(200_000));
    await until(() => received.length === 2, 'both messages');
    expect(received).toEqual(['https', `echo ${'x'.repeat(200_000)}`]);
    const closed = once(client, 'close');
    const retired = rig.proxy?.retire(100);
    expect((await closed)[0]).toBe(1001);
    await retired;
  });

  it('connections with TLS count, and count no more once they have ended', async () => {
    const limits = { maxConnectionsPerAddress: 2 };
    await rig.serveBoth({ web: entryOf([await rig.named('a')]) }, { workers, ...limits });
    const open = [await rig.connect(host), await rig.connect(host)];
    await expect(rig.connect(host)).rejects.toThrow();
    await expect(ask(rig.port, { headers: { Host: host } })).rejects.toThrow();
    expect((await rig.proxy?.stats())?.connections).toBe(2);
    for (const socket of open) socket.destroy();
    await until(async () => (await rig.proxy?.stats())?.connections === 0, 'they are gone');
    expect((await rig.ask({ host })).status).toBe(200);
  });

  it('a running request ends before the proxy does, and hears `Connection: close`', async () => {
    const releases: (() => void)[] = [];
    const target = await rig.target((_, response) => releases.push(() => response.end('slow')));
    await rig.serveBoth({ web: entryOf([target]) }, { workers });
    const slow = rig.ask({ host, agent: keep() });
    await until(() => releases.length === 1, 'the target is asked');
    const stopping = rig.proxy?.stop(5_000);
    setTimeout(() => releases[0]?.(), 300);
    expect(await slow).toMatchObject({ status: 200, body: 'slow', headers: { connection: 'close' } });
    await stopping;
    await expect(rig.ask({ host })).rejects.toThrow(/ECONNREFUSED/);
  });
});

describe('a connection with TLS', () => {
  it('carries requests that come at once in their order, bodies and all', async () => {
    const target = await rig.target((incoming, response) => {
      incoming.resume().on('end', () => response.end(`<${incoming.url}>`));
    });
    await rig.serveBoth({ web: entryOf([target]) });
    const socket = await rig.connect(host);
    const body = 'b'.repeat(3_000);
    const paths = Array.from({ length: 100 }, (_, index) => `/${index}`);
    const head = (path: string): string =>
      `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 3000\r\n\r\n`;
    let received = '';
    socket.on('data', (data) => {
      received += data;
    });
    socket.write(paths.map((path) => head(path) + body).join(''));
    await until(() => received.includes('</99>') || socket.destroyed, 'the last answer');
    expect(received.match(/<[^>]+>/g)).toEqual(paths.map((path) => `<${path}>`));
  });

  it('whose client has ended its side is answered', async () => {
    const target = await rig.target((_, response) => setTimeout(() => response.end('late'), 100));
    await rig.serveBoth({ web: entryOf([target]) });
    const socket = await rig.connect(host);
    let received = '';
    socket.on('data', (data) => {
      received += data;
    });
    socket.end(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    await once(socket, 'close');
    expect(received).toMatch(/^HTTP\/1.1 200 .*late/s);
  });

  it('carries a large body each way', async () => {
    const target = await rig.target((incoming, response) => incoming.pipe(response));
    await rig.serveBoth({ web: entryOf([target]) });
    const body = Array.from({ length: 500_000 }, (_, index) => `${index} `).join('');
    expect((await rig.ask({ host, method: 'POST', body })).body).toBe(body);
  });

  it('that the client cuts off lets go of the target', async () => {
    const target = await rig.target((_, response) => void response.write('endless'));
    await rig.serveBoth({ web: entryOf([target]) });
    const socket = await rig.connect(host);
    socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    await once(socket, 'data');
    expect(target.sockets.size).toBe(1);
    socket.destroy();
    await until(() => target.sockets.size === 0, 'the target is let go');
    await until(async () => (await rig.proxy?.stats())?.connections === 0, 'the connection is gone');
  });

  it('of HTTP/1.0 ends with its connection where its target cuts it short, and costs nothing else', async () => {
    const target = await rig.target((incoming, response) => {
      if (incoming.url === '/') response.end('whole');
      else response.write('half', () => setTimeout(() => incoming.socket.destroy(), 50));
    });
    await rig.serveBoth({ web: entryOf([target]) });
    const socket = await rig.connect(host);
    let received = '';
    socket.on('data', (data) => {
      received += data;
    });
    socket.write(`GET /half HTTP/1.0\r\nHost: ${host}\r\n\r\n`);
    await once(socket, 'end');
    expect(received).toMatch(/\r\n\r\nhalf$/);
    expect((await rig.ask({ host })).body).toBe('whole');
  });

  it('ends with a word of TLS, by which the client knows that nothing was cut off', async () => {
    await rig.serveBoth({ web: entryOf([await rig.named('whole')]) });
    const seen: Buffer[] = [];
    const relay = createServer((client) => {
      const proxy = connectPlain(rig.securePort, '127.0.0.1').on('data', (data) => seen.push(data));
      for (const each of [client, proxy]) each.on('error', () => each.destroy());
      client.pipe(proxy).pipe(client);
    }).listen(0, '127.0.0.1');
    rig.onClose(async () => void relay.close());
    await once(relay, 'listening');
    const socket = connect({
      port: portOf(relay),
      servername: host,
      maxVersion: 'TLSv1.2',
      rejectUnauthorized: false,
    });
    socket.resume().write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    await once(socket, 'close');
    const said = Buffer.concat(seen);
    const kinds: number[] = [];
    // A record is its kind, two bytes of version, two of length, and that many more (RFC 5246 6.2.1).
    for (let at = 0; at < said.length; at += 5 + said.readUInt16BE(at + 3)) kinds.push(said[at] ?? 0);
    const [alert, data] = [21, 23];
    expect(kinds.slice(-2)).toEqual([data, alert]);
  });

  it('is taken by a client that verifies it, under a name of the certificate alone', async () => {
    await rig.serveBoth({ web: entryOf([await rig.named('a')]) });
    const ca = readFileSync(join(rig.folder, 'shop.crt'));
    const socket = await rig.connect('any.shop.test', { rejectUnauthorized: true, ca });
    expect(socket.authorized).toBe(true);
    await issueForHosts(rig.folder, 'default', { hosts: [] });
    const isKnown = () =>
      rig.proxy
        ?.certificates()
        .states.map(({ isBad }) => isBad)
        .join() === 'false,false';
    await until(isKnown, 'the default one is known');
    const verify = { rejectUnauthorized: true, ca };
    await expect(rig.connect('elsewhere.test', verify)).rejects.toThrow(/self-signed|altnames/);
  });
});

describe('a proxy with https that cannot start', () => {
  it('says which folder is missing', async () => {
    const https = { ...rig.entrance(), folder: join(rig.folder, 'nowhere') };
    await expect(rig.start({ https })).rejects.toThrow(/nowhere: there is no such folder; make it/);
  });

  it('says which port is taken, and leaves none open', async () => {
    const taken = await rig.named('a');
    const port = portOf(taken.server);
    const free = await rig.named('b');
    const plain = portOf(free.server);
    await new Promise((resolve) => free.server.close(resolve));
    const starting = rig.start({ port: plain, https: { ...rig.entrance(), port } });
    await expect(starting).rejects.toThrow(`Cannot listen on 127.0.0.1:${port}`);
    await expect(ask(plain)).rejects.toThrow(/ECONNREFUSED/);
  });
});
