// Real handshakes: which certificate a client is shown, who is refused, and what is counted of that.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect as connectPlain, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Certificate, readCertificate } from '../../../proxy/tls/certificate.ts';
import { Handshakes } from '../../../proxy/tls/handshakes.ts';
import { issueForHosts } from '../../support/certificates.ts';
import { portOf, until } from '../rig.ts';

const HOSTS: Readonly<Record<string, readonly string[]>> = {
  exact: ['a.shop.test'],
  wildcard: ['*.shop.test'],
  renewed: ['a.shop.test'],
  default: [],
};
let folder: string;
let handshakes: Handshakes;
let server: Server;
let clients: Socket[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-handshakes-'));
  for (const [name, hosts] of Object.entries(HOSTS)) await issueForHosts(folder, name, { hosts });
  return () => rmSync(folder, { recursive: true });
});
beforeEach(async () => {
  clients = [];
  handshakes = new Handshakes((socket) => socket.pipe(socket));
  server = createServer({ allowHalfOpen: true }, (socket) => handshakes.begin(socket)).listen(0);
  await new Promise((resolve) => server.once('listening', resolve));
});
afterEach(async () => {
  for (const client of clients) client.destroy();
  await new Promise((resolve) => server.close(resolve));
});

function load(name: string): Certificate {
  const [cert, key] = ['crt', 'key'].map((ending) => readFileSync(join(folder, `${name}.${ending}`), 'utf8'));
  const read = readCertificate(name, cert ?? '', key ?? '');
  if (!read.ok) throw new Error(read.problem);
  return read.certificate;
}

/** The common name of the certificate that is shown, or the error's code. */
function greet(servername: string | null, options: ConnectionOptions = {}): Promise<string> {
  return new Promise((resolve) => {
    const name = servername === null ? {} : { servername };
    const to = { port: portOf(server as never), host: '127.0.0.1', rejectUnauthorized: false };
    const client = connect({ ...to, ...name, ...options }, () => {
      resolve(String(client.getPeerCertificate().subject.CN));
    });
    clients.push(client);
    client.on('error', (error: NodeJS.ErrnoException) => resolve(String(error.code)));
  });
}

describe('a client', () => {
  it('is shown the certificate of the host that it names: exact, wildcard, default', async () => {
    handshakes.use(['exact', 'wildcard', 'default'].map(load));
    expect(await greet('a.shop.test')).toBe('exact');
    expect(await greet('A.Shop.Test')).toBe('exact');
    expect(await greet('b.shop.test')).toBe('wildcard');
    expect(await greet('c.b.shop.test')).toBe('default');
    expect(await greet('elsewhere.test')).toBe('default');
    expect(await greet(null)).toBe('default');
  });

  it('is refused where there is none for it and no default one, and the others are served', async () => {
    handshakes.use([load('exact')]);
    expect(await greet('elsewhere.test')).toMatch(/HANDSHAKE_FAILURE/);
    expect(await greet(null)).toMatch(/HANDSHAKE_FAILURE/);
    expect(await greet(null, { maxVersion: 'TLSv1.2' })).toMatch(/HANDSHAKE_FAILURE/);
    expect(await greet('a.shop.test')).toBe('exact');
    expect(handshakes.errors()).toMatchObject({ 'no-certificate': 3, protocol: 0 });
  });

  it('is shown another one as soon as there is another, and none once it is gone', async () => {
    handshakes.use(['exact', 'default'].map(load));
    expect(await greet('a.shop.test')).toBe('exact');
    handshakes.use([load('renewed')]);
    expect(await greet('a.shop.test')).toBe('renewed');
    expect(await greet(null)).toMatch(/HANDSHAKE_FAILURE/);
  });

  it('that stands goes on while certificates change', async () => {
    handshakes.use([load('exact')]);
    expect(await greet('a.shop.test')).toBe('exact');
    handshakes.use([]);
    const [client] = clients;
    const echoed = new Promise((resolve) => client?.once('data', (data) => resolve(String(data))));
    client?.write('still here');
    expect(await echoed).toBe('still here');
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('may speak %s', async (version) => {
    for (const names of [['exact'], ['default']]) {
      handshakes.use(names.map(load));
      const versions = { minVersion: version, maxVersion: version } as const;
      expect(await greet('a.shop.test', versions)).toBe(names[0]);
    }
  });

  it('that speaks TLS 1.1 at most is refused, as it is by nobody else', async () => {
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    for (const names of [['exact'], ['default']]) {
      handshakes.use(names.map(load));
      expect(await greet('a.shop.test', old)).toMatch(/PROTOCOL_VERSION/);
    }
    expect(handshakes.errors()).toMatchObject({ protocol: 2 });
    const lenient = createTlsServer({ ...load('exact'), ...old, minVersion: 'TLSv1', maxVersion: 'TLSv1.3' });
    lenient.listen(0);
    await new Promise((resolve) => lenient.once('listening', resolve));
    expect(await greet('a.shop.test', { ...old, port: portOf(lenient as never) })).toBe('exact');
    lenient.close();
  });

  it('chooses between HTTP/2 and HTTP/1.1, and is refused when it speaks something else only', async () => {
    handshakes.use([load('exact')]);
    expect(await greet('a.shop.test', { ALPNProtocols: ['h2', 'http/1.1'] })).toBe('exact');
    expect(await greet('a.shop.test', { ALPNProtocols: ['http/1.1'] })).toBe('exact');
    expect(clients.map((client) => (client as TLSSocket).alpnProtocol)).toEqual(['h2', 'http/1.1']);
    expect(await greet('a.shop.test', { ALPNProtocols: ['h3'] })).toMatch(/NO_APPLICATION_PROTOCOL/);
  });
});

describe('what comes to no handshake', () => {
  it('is cut off in time, also while bytes of it trickle in', async () => {
    handshakes = new Handshakes(() => undefined, 500);
    handshakes.use([load('exact')]);
    const ended: string[] = [];
    const timers: NodeJS.Timeout[] = [];
    for (const name of ['silent', 'slow']) {
      const client = connectPlain(portOf(server as never), '127.0.0.1', () => {
        // The beginning of a greeting of 512 bytes.
        if (name === 'slow') client.write(Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]));
        timers.push(setInterval(() => name === 'slow' && client.write('x'), 20));
      });
      client.on('error', () => client.destroy());
      client.on('close', () => ended.push(name));
      client.resume();
      clients.push(client);
    }
    await until(() => ended.length === 2, 'both are cut off');
    for (const timer of timers) clearInterval(timer);
    expect(handshakes.errors()).toMatchObject({ timeout: 2, protocol: 0 });
  });

  const send = (bytes: string, then: (client: Socket) => void): void => {
    const client = connectPlain(portOf(server as never), '127.0.0.1', () => {
      client.write(bytes);
      setTimeout(() => then(client), 50);
    });
    client.on('error', () => undefined);
    clients.push(client);
  };

  it('is counted by its reason, and ends nothing else', async () => {
    handshakes.use([load('exact')]);
    send('GET / HTTP/1.1\r\nHost: a\r\n\r\n', () => undefined);
    send('\x16\x03\x01', (client) => client.resetAndDestroy());
    send('', (client) => client.destroy());
    await until(() => handshakes.errors().protocol === 1, 'the plain one is counted');
    await until(() => handshakes.errors().closed >= 1, 'those that left are counted');
    expect(await greet('a.shop.test')).toBe('exact');
  });
});
