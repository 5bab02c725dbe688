// `slipway proxy` behind a balancer that passes connections on: whose they are is told to the service, held against the
// limits and written into the access log, by the process that serves and by the one that takes its place.
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { composeBinary, wayOf } from '../proxy/proxy-sender.ts';
import { readText } from '../proxy/rig.ts';
import { cleanEnvironment, startChild } from '../support/child.ts';
import { findFreePorts } from '../support/names.ts';
import { HOST, ProxyPlace } from '../support/proxy-place.ts';
import { waitFor } from '../support/wait.ts';

let place: ProxyPlace;
beforeEach(() => {
  place = new ProxyPlace();
});
afterEach(async () => {
  await place.stop();
});

const REQUEST = `GET /headers?token=secret HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`;

/** What comes back until the connection ends. */
function send(bytes: Buffer): Promise<string> {
  const socket = connect(place.port, '127.0.0.1');
  socket.on('error', () => socket.destroy());
  socket.write(bytes);
  return readText(socket).catch(() => '');
}

async function refused(reason: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${place.adminPort}/metrics`)).text();
  const [, count] = new RegExp(`refused_total{reason="${reason}"} (\\d+)`).exec(text) ?? [];
  return Number(count);
}

const linesOf = (client: string) =>
  place
    .log()
    .split('\n')
    .filter((line) => line.includes(`"client":"${client}"`))
    .map((line) => JSON.parse(line));

describe.each(['1', '2'])('behind a balancer, with %s worker(s)', (workers) => {
  it('each request is its client’s, before a hand-over and after it', async () => {
    const edge = ['--proxy-protocol', '--trusted-proxies', '127.0.0.1', '--access-log'];
    await place.start(...edge, '--max-connections-per-address', '1', '--workers', workers, '--drain', '1s');
    for (const client of ['203.0.113.7', '2001:db8::7']) {
      const answer = await send(Buffer.concat([composeBinary(wayOf(client)), Buffer.from(REQUEST)]));
      expect(answer).toContain(`"x-forwarded-for":"${client}"`);
      const [, id] = /^X-Request-Id: (\w{32})\r$/m.exec(answer) ?? [];
      expect(answer).toContain(`"x-request-id":"${id}"`);
      const [line] = await waitFor('its line', () => linesOf(client).length === 1 && linesOf(client));
      expect(line).toMatchObject({ request_id: id, path: '/headers', status: 200, outcome: 'answered' });
      expect(place.log()).not.toContain('secret');
      await place.handOver();
    }
    expect(await send(Buffer.from(REQUEST))).toBe('');
    expect(await refused('proxy-malformed')).toBe(1);
    const waiting = connect(place.port, '127.0.0.1');
    waiting.write(Buffer.concat([composeBinary(wayOf('203.0.113.9')), Buffer.from(REQUEST.slice(0, 20))]));
    await waitFor('the limit of one client', async () => {
      await send(Buffer.concat([composeBinary(wayOf('203.0.113.9')), Buffer.from(REQUEST)]));
      return (await refused('address-limit')) > 0;
    });
    waiting.destroy();
  });
});

/** Resolves with the status, on one of the agent's connections. */
function get(port: number, agent: Agent): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asking = request({ port, host: '127.0.0.1', agent, headers: { host: HOST } }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode));
    });
    asking.once('error', reject).end();
  });
}

it('an access log that nobody reads holds up neither a request nor the end', async () => {
  await place.start();
  const [port = 0, admin = 0] = await findFreePorts(2);
  const address = ['--http', `127.0.0.1:${port}`, '--admin', `127.0.0.1:${admin}`];
  const flags = ['--table', place.table, '--data-dir', join(place.folder, 'unread'), '--access-log'];
  const args = [join(place.program, 'src/main.ts'), 'proxy', ...address, ...flags];
  const stdio = ['ignore', 'pipe', 'ignore'] as const;
  const proxy = startChild(process.execPath, args, { stdio: [...stdio], env: cleanEnvironment() });
  const agent = new Agent({ keepAlive: true, maxSockets: 20 });
  const isDropping = async () =>
    (await (await fetch(`http://127.0.0.1:${admin}/readyz`)).text()).includes('"accessLog":"the access log');
  await waitFor('the proxy', async () => (await get(port, agent)) === 200);
  for (let round = 0; round < 30 && !(await isDropping()); round += 1) {
    const statuses = await Promise.all(Array.from({ length: 500 }, () => get(port, agent)));
    expect(new Set(statuses)).toEqual(new Set([200]));
  }
  expect(await isDropping()).toBe(true);
  agent.destroy();
  proxy.kill('SIGTERM');
  expect(await proxy.exited).toBe(0);
});
