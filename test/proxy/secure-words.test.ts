// What clients are told of https: where to come back over TLS, and to stay with it. Off where nobody asks for it.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { issueForHosts } from '../support/certificates.ts';
import { ask, entryOf, LOOPBACK } from './rig.ts';
import { SecureRig } from './secure-rig.ts';

const HSTS = 'strict-transport-security';
let rig: SecureRig;
beforeEach(async () => {
  rig = new SecureRig();
  await issueForHosts(rig.folder, 'shop', { hosts: ['shop.test', '*.shop.test'] });
});
afterEach(() => rig.close());

describe('a request without TLS', () => {
  const serve = async (redirectPort: number | null, trusted: (typeof LOOPBACK)[] = []): Promise<void> => {
    const target = await rig.target((incoming, response) =>
      response.end(`${incoming.method} ${incoming.url}`),
    );
    const secure = { redirectPort, hstsSeconds: 0 };
    await rig.serveBoth({ web: entryOf([target]) }, { secure, trusted });
  };
  const get = (Host: string, path = '/', more = {}) => ask(rig.port, { path, headers: { Host, ...more } });

  it.each([
    ['to the port of https', 8443, 'shop.test', '/a?b=c', 'https://shop.test:8443/a?b=c'],
    ['to no port where that is the usual one', 443, 'shop.test', '/', 'https://shop.test/'],
    ['of a host of a wildcard, with its port', 443, 'A.shop.test:8080', '/', 'https://a.shop.test/'],
    [
      'of what only begins like a challenge',
      443,
      'shop.test',
      '/.well-known/acme',
      'https://shop.test/.well-known/acme',
    ],
    [
      'past what could lead to another host',
      443,
      'shop.test',
      '//evil.test/',
      'https://shop.test//evil.test/',
    ],
  ])('is sent %s', async (_, port, host, path, location) => {
    await serve(port);
    const answer = await get(host, path);
    expect([answer.status, answer.headers.location]).toEqual([308, location]);
    expect(answer.headers[HSTS]).toBeUndefined();
  });

  it('keeps its method where it is sent: it is no 301', async () => {
    await serve(443);
    const answer = await ask(rig.port, { method: 'POST', body: 'x', headers: { Host: 'shop.test' } });
    expect([answer.status, answer.headers.location]).toEqual([308, 'https://shop.test/']);
  });

  it.each([
    [
      'for the challenge of whoever gives out certificates',
      443,
      'shop.test',
      '/.well-known/acme-challenge/x',
    ],
    ['for a host without a certificate', 443, 'other.test', '/'],
    ['for two labels below a wildcard', 443, 'b.a.shop.test', '/'],
    ['where nobody asks for it', null, 'shop.test', '/'],
  ])('is served %s', async (_, port, host, path) => {
    await serve(port);
    expect(await get(host, path)).toMatchObject({ status: 200, body: `GET ${path}` });
  });

  it('is served where TLS has ended in front of us, and only a trusted peer may say so', async () => {
    await serve(443);
    expect((await get('shop.test', '/', { 'X-Forwarded-Proto': 'https' })).status).toBe(308);
    await rig.proxy?.stop(0);
    await serve(443, [LOOPBACK]);
    expect((await get('shop.test', '/', { 'X-Forwarded-Proto': 'https' })).status).toBe(200);
    expect((await get('shop.test', '/', { 'X-Forwarded-Proto': 'http' })).status).toBe(308);
  });

  it('is not sent in circles: over TLS it is served', async () => {
    await serve(443);
    expect((await rig.ask({ host: 'shop.test' })).status).toBe(200);
  });
});

describe('Strict-Transport-Security', () => {
  const serve = async (hstsSeconds: number): Promise<void> => {
    const target = await rig.target((incoming, response) => {
      if (incoming.url === '/own') response.setHeader('Strict-Transport-Security', 'max-age=1');
      response.end();
    });
    const headers = { 'strict-transport-security': 'max-age=2' };
    await rig.serveBoth(
      {
        web: entryOf([target], { routes: [{ host: 'shop.test', path: '/' }] }),
        set: entryOf([target], { routes: [{ host: 'set.shop.test', path: '/' }], proxy: { headers } }),
        none: entryOf([], { routes: [{ host: 'none.shop.test', path: '/' }] }),
      },
      { secure: { redirectPort: null, hstsSeconds } },
    );
  };

  it.each([
    ['is said where the target says nothing', 'shop.test', '/', 200, 'max-age=600'],
    ['is left as the target says it', 'shop.test', '/own', 200, 'max-age=1'],
    ['is left as the service sets it', 'set.shop.test', '/own', 200, 'max-age=2'],
    ['is said where there is no route', 'no.shop.test', '/', 404, 'max-age=600'],
    ['is said where there is no replica', 'none.shop.test', '/', 503, 'max-age=600'],
  ])('%s', async (_, host, path, status, expected) => {
    await serve(600);
    const answer = await rig.ask({ host, path });
    expect([answer.status, answer.headers[HSTS]]).toEqual([status, expected]);
    expect(answer.rawHeaders.filter((name) => name.toLowerCase() === HSTS)).toHaveLength(1);
  });

  it('is not said without TLS', async () => {
    await serve(600);
    expect((await ask(rig.port, { headers: { Host: 'shop.test' } })).headers[HSTS]).toBeUndefined();
    expect((await ask(rig.port, { headers: { Host: 'no.test' } })).headers[HSTS]).toBeUndefined();
  });

  it('is not said where nobody asks for it', async () => {
    await serve(0);
    expect((await rig.ask({ host: 'shop.test' })).headers[HSTS]).toBeUndefined();
  });
});
