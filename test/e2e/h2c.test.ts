// A service that goes over from HTTP/1.1 to HTTP/2 without TLS: probes and proxies speak to each revision in its own way, and
// no request fails on the way there and back.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ask } from '../proxy/rig.ts';
import { Service } from '../support/service.ts';
import { type Slipway, startSlipway } from '../support/slipway.ts';
import { buildVersions, REPOSITORY } from '../support/versions.ts';

let slipway: Slipway;
beforeAll(async () => {
  await buildVersions('v1');
  slipway = await startSlipway();
});
afterAll(async () => {
  await slipway?.stop();
});

/** It takes leave as a good service does: requests in hand are finished, the others were not begun. */
const H2C_SERVER = `
  const server = require('node:http2').createServer();
  const sessions = new Set();
  server.on('session', (session) => { sessions.add(session); session.on('close', () => sessions.delete(session)); });
  server.on('stream', (stream) => { stream.respond({ ':status': 200, 'x-spoken': 'h2c' }); stream.end('h2c'); });
  process.on('SIGTERM', () => { for (const session of sessions) session.close(); server.close(() => process.exit(0)); });
  server.listen(8080);
`;

it('a service changes its protocol under load, and no request fails', async () => {
  const service = new Service(slipway, { image: REPOSITORY, strategy: 'rolling' });
  await service.stand('v1');
  const failures: string[] = [];
  const spoken = new Set<string>();
  let isOver = false;
  const load = Array.from({ length: 3 }, async () => {
    while (!isOver) {
      try {
        const headers = { Host: service.target.host };
        const answer = await ask(service.target.port, { headers });
        if (answer.status !== 200) failures.push(`${answer.status} ${answer.body}`);
        spoken.add(String(answer.headers['x-spoken'] ?? 'http/1.1'));
      } catch (error) {
        failures.push(String(error));
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });
  const there = { protocol: 'h2c', command: ['node', '-e', H2C_SERVER] };
  const requested = await service.apply(there);
  expect((await service.finish(requested)).outcome).toBe('succeeded');
  expect((await ask(service.target.port, { headers: { Host: service.target.host } })).body).toBe('h2c');
  isOver = true;
  await Promise.all(load);
  expect(failures).toEqual([]);
  expect([...spoken].sort()).toEqual(['h2c', 'http/1.1']);
});
