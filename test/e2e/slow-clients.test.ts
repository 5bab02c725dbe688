// Clients that mean ill: five hundred connections, each of which sends or reads as slowly as it may. Others are served as
// ever meanwhile, and when they have gone nothing of them is left. The tool is slowhttptest, which knows nothing of us.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../proxy/rig.ts';
import { ProxyPlace } from '../support/proxy-place.ts';
import { type Course, SteadyClient } from '../support/steady-client.ts';
import { waitFor } from '../support/wait.ts';

const CONNECTIONS = 500;
const QUIET_MS = 5_000;
/** More than the buffers of all sockets on its way hold. */
const LARGE = Buffer.alloc(4_000_000, 'large ');
/** A pooled connection more or less, and pages of code that was not run before. */
const [SPARE_DESCRIPTORS, SPARE_BYTES] = [8, 12_000_000];

const place = new ProxyPlace();
const target = createServer((request, response) => {
  if (request.method !== 'POST') response.end(request.url === '/large' ? LARGE : 'small');
  else request.resume().once('end', () => response.end('taken'));
});

interface Look {
  readonly connections: number;
  readonly inFlight: number;
  readonly descriptors: number;
  /** Garbage is collected by force before; what is outside of the heap included. */
  readonly bytes: number;
}

async function look(): Promise<Look> {
  const text = await (await fetch(`http://127.0.0.1:${place.adminPort}/metrics`)).text();
  const read = (name: string) => Number(new RegExp(`^${name}(?:{.*})? (\\d+)$`, 'm').exec(text)?.[1]);
  return {
    connections: read('slipway_proxy_connections'),
    inFlight: read('slipway_proxy_in_flight'),
    descriptors: readdirSync(`/proc/${place.pid()}/fd`).length,
    bytes: read('nodejs_heap_size_used_bytes') + read('nodejs_external_memory_bytes'),
  };
}

/** Resolves when it has done its worst: the most that was seen meanwhile. */
async function attack(flags: readonly string[], path: string, seconds: number): Promise<Look> {
  const common = ['-c', `${CONNECTIONS}`, '-r', '250', '-l', `${seconds}`, '-p', '5'];
  const url = `http://127.0.0.1:${place.port}${path}`;
  const tool = spawn('slowhttptest', [...flags, ...common, '-u', url], { stdio: 'ignore' });
  const ended = once(tool, 'exit');
  const looks: Look[] = [];
  const timer = setInterval(() => look().then((each) => looks.push(each)), 500);
  const [code] = await ended;
  clearInterval(timer);
  expect(code).toBe(0);
  const most = (what: keyof Look) => Math.max(...looks.map((each) => each[what]));
  const [connections, inFlight] = [most('connections'), most('inFlight')];
  return { connections, inFlight, descriptors: most('descriptors'), bytes: most('bytes') };
}

beforeAll(async () => {
  const collect = new URL('../faults/collect-garbage.ts', import.meta.url).href;
  place.environment = { NODE_OPTIONS: `--expose-gc --import=${collect}` };
  await place.start('--drain', '1s');
  target.listen(0, '127.0.0.1');
  await once(target, 'listening');
  const address = target.address();
  const targets = [{ revision: 1, address: `127.0.0.1:${typeof address === 'object' ? address?.port : 0}` }];
  const web = { routes: [{ path: '/' }], split: { '1': 100 }, targets };
  writeFileSync(place.table, JSON.stringify({ version: 2, services: { web } }));
  await waitFor('the table', async () => (await ask(place.port)).body === 'small');
});
afterAll(async () => {
  await place.stop();
  target.closeAllConnections();
  target.close();
});

const beside = async (work: () => Promise<unknown>): Promise<Course> => {
  const client = new SteadyClient(place.port);
  await work();
  return client.stop();
};
const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, QUIET_MS));

describe('five hundred clients', () => {
  let quiet: Course;
  let before: Look;
  beforeAll(async () => {
    quiet = await beside(pause);
    await waitFor('the first client to be gone', async () => (await look()).connections === 0);
    before = await look();
  });

  it.each([
    { what: 'that send their head slowly', flags: ['-H', '-i', '1'], path: '/', seconds: 10, inFlight: 0 },
    {
      what: 'that send their body slowly',
      flags: ['-B', '-i', '1', '-s', '8192'],
      path: '/',
      seconds: 10,
      inFlight: 400,
    },
    {
      what: 'that read their answer slowly',
      flags: ['-X', '-w', '512', '-y', '1024', '-n', '1', '-z', '32'],
      path: '/large',
      // First of all a gigabyte goes into the buffers of the system: a busy machine needs its time for that.
      seconds: 20,
      inFlight: 300,
    },
  ])(
    '$what keep nobody else from an answer, and leave nothing behind',
    async ({ what, flags, path, seconds, inFlight }) => {
      let most: Look | null = null;
      const course = await beside(async () => {
        most = await attack(flags, path, seconds);
      });
      process.stdout.write(
        `${what}: p99 ${course.p99} ms beside them, ${quiet.p99} ms alone; ${JSON.stringify(most)}\n`,
      );
      expect(course.failures).toEqual([]);
      expect(course.answered).toBeGreaterThan(100);
      expect((most as Look | null)?.connections).toBeGreaterThan(CONNECTIONS * 0.7);
      expect((most as Look | null)?.inFlight).toBeGreaterThanOrEqual(inFlight);
      await waitFor('nothing to be left of them', async () => {
        const now = await look();
        const isClear = now.connections === 0 && now.inFlight === 0;
        const isSmall = now.bytes < before.bytes + SPARE_BYTES;
        if (!isClear || !isSmall || now.descriptors > before.descriptors + SPARE_DESCRIPTORS)
          throw new Error(JSON.stringify({ now, before }));
        return true;
      });
    },
  );
});
