// `slipway proxy --https`: the port of TLS stays open while processes change behind it, and certificates change under
// load; what is wrong with one is told where people look, and never what is in a key.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startLoad } from '../../scripts/load.ts';
import { knockOn } from '../../scripts/load-door.ts';
import { type LoadTarget, openRequest } from '../../scripts/load-exchange.ts';
import { issueForHosts, renewForHosts } from '../support/certificates.ts';
import { findFreePorts } from '../support/names.ts';
import { HOST, ProxyPlace } from '../support/proxy-place.ts';
import { startSlipway } from '../support/slipway.ts';
import { ENDED_WELL, openStreams } from '../support/streams.ts';
import { waitFor } from '../support/wait.ts';

let place: ProxyPlace;
beforeEach(() => {
  place = new ProxyPlace();
});
afterEach(async () => {
  await place.stop();
});

/** Each new connection costs two processes a handshake: more than this a busy machine does not do in time. */
const PER_SECOND = 15;

const secure = () => ({ port: place.securePort, host: HOST, isSecure: true });
const ask = async (path: string) => (await fetch(`http://127.0.0.1:${place.adminPort}${path}`)).text();

describe('a proxy with https', () => {
  it.each([
    { workers: '1', times: 4 },
    { workers: '2', times: 2 },
  ])(
    'hands both ports over, and loses no request with or without TLS: $times times, with $workers workers',
    async ({ workers, times }) => {
      await place.startSecure('--workers', workers, '--drain', '2s');
      const loads = [
        startLoad({ ...secure(), perSecond: PER_SECOND }),
        startLoad({ port: place.port, host: HOST, perSecond: PER_SECOND }),
      ];
      const endKnocking = [place.port, place.securePort].map((port) => knockOn(port));
      const streams = await openStreams(secure());
      for (let time = 0; time < times; time += 1) await place.handOver();
      expect(await streams.ended()).toMatchObject(ENDED_WELL);
      await waitFor('the former ones to end', () => place.listLiving().length === 1);
      for (const load of loads) {
        const report = await load.stop();
        expect(report.failures).toEqual([]);
        expect(report.requests).toBeGreaterThan(50);
        expect(report.byKind['GET new']).toBeGreaterThan(0);
        expect(report.byKind['GET kept']).toBeGreaterThan(0);
      }
      for (const end of endKnocking) expect(await end()).toMatchObject({ refused: [] });
      expect(place.pids.size).toBe(times + 1);
    },
  );

  it('takes renewed certificates up under load, and tells of a bad one without a word of its key', async () => {
    await place.startSecure('--https-redirect', '--hsts', '300', '--log-level', 'debug');
    const load = startLoad({ ...secure(), perSecond: PER_SECOND });
    for (let time = 1; time <= 3; time += 1) {
      await renewForHosts(place.certificates, 'web', { hosts: [HOST, `n${time}.test`] });
      await waitFor('the new one', () => place.count(`loaded for ${HOST}, n${time}.test`) === 1);
    }
    await issueForHosts(place.certificates, 'bad', { hosts: ['bad.test'] });
    const key = readFileSync(join(place.certificates, 'bad.key'), 'utf8');
    writeFileSync(join(place.certificates, 'web.key'), key);
    await waitFor('the warning', async () => (await ask('/readyz')).includes('web: the key is not that'));
    expect(JSON.parse(await ask('/readyz'))).toMatchObject({ ready: true });
    const metrics = await ask('/metrics');
    expect(metrics).toContain('slipway_proxy_certificates{file="web",state="bad"} 1');
    expect(metrics).toContain('slipway_proxy_certificates{file="bad",state="ok"} 1');
    expect(metrics).toMatch(/slipway_proxy_certificate_expiry_seconds\{file="web"\} 1[67]\d{4}/);
    expect(place.log()).toMatch(
      /"level":"error".*"what":"web: the key is not that of .*"message":"certificate"/,
    );
    expect((await load.stop()).failures).toEqual([]);
    const secret = key.split('\n')[1] ?? '';
    expect(secret.length).toBeGreaterThan(40);
    for (const text of [place.log(), metrics, await ask('/readyz')]) expect(text).not.toContain(secret);
  });

  it('sends clients to https, and keeps them there', async () => {
    await place.startSecure('--https-redirect', '--hsts', '300');
    const location = `https://${HOST}:${place.securePort}/`;
    expect(await get({ port: place.port, host: HOST })).toMatchObject({ status: 308, location });
    expect(await get(secure())).toEqual({ status: 200, location: undefined, hsts: 'max-age=300' });
  });

  it('is started beside a controller, and says where it is', async () => {
    const folder = join(place.folder, 'certificates');
    mkdirSync(folder);
    await issueForHosts(folder, 'any', { hosts: ['any.test'] });
    const [port = 0] = await findFreePorts(1);
    const address = `127.0.0.1:${port}`;
    const more = ['--https', address, '--tls-dir', folder, '--hsts', '60'];
    const slipway = await startSlipway({ arguments: more });
    try {
      const answer = await get({ port, host: 'any.test', isSecure: true });
      expect(answer).toMatchObject({ status: 404, hsts: 'max-age=60' });
      const { entries } = await slipway.store.list(slipway.keys.proxies);
      expect(JSON.parse(entries[0]?.value ?? '{}')).toMatchObject({ addresses: { https: address } });
    } finally {
      await slipway.stop();
    }
  });
});

interface Told {
  readonly status: number | undefined;
  readonly location: string | undefined;
  readonly hsts: string | undefined;
}

function get(target: LoadTarget): Promise<Told> {
  return new Promise((resolve, reject) => {
    const request = openRequest(target, { headers: { host: target.host } }, (response) => {
      const { location, 'strict-transport-security': hsts } = response.resume().headers;
      resolve({ status: response.statusCode, location, hsts });
    });
    request.on('error', reject).end();
  });
}
