// Clients that mean ill: five hundred connections, each of which sends or reads as slowly as it may. Others are served as
// ever meanwhile, and when they have gone nothing of them is left. The tool is slowhttptest, which knows nothing of us.
//
// What the others wait for is the proxy: theirs is another target, in a process of its own, and one of them asks it directly,
// for what the machine is to blame for. Slow clients and their target would be on other machines: they give way to
// everybody else.
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../proxy/rig.ts';
import { type Child, cleanEnvironment, startChild } from '../support/child.ts';
import { findFreePorts } from '../support/names.ts';
import { ProxyPlace } from '../support/proxy-place.ts';
import { attack, CONNECTIONS } from '../support/slow-attack.ts';
import { type Course, SteadyClient } from '../support/steady-client.ts';
import { waitFor } from '../support/wait.ts';

const QUIET_MS = 10_000;
/** A second. */
const REQUESTS_PER_LOOK = 50;
/** On a machine that is busy they still get what they need. */
const NICENESS = 5;
/** Where it is slow. */
const PATH = '/hard';
/** A pooled connection more or less, and pages of code that was not run before. */
const [SPARE_DESCRIPTORS, SPARE_BYTES] = [8, 12_000_000];

const place = new ProxyPlace();
let target: Child | null = null;

interface Look {
  readonly connections: number;
  readonly inFlight: number;
  readonly descriptors: number;
  /** Of the heap, and outside of it. */
  readonly bytes: number;
}

async function look(): Promise<Look> {
  const text = await (await fetch(`http://127.0.0.1:${place.adminPort}/metrics`)).text();
  const read = (name: string): number => {
    const found = [...text.matchAll(new RegExp(`^${name}(?:{.*})? (\\d+)$`, 'gm'))];
    return found.length === 0 ? Number.NaN : found.reduce((sum, [, each]) => sum + Number(each), 0);
  };
  return {
    connections: read('slipway_proxy_connections'),
    inFlight: read('slipway_proxy_in_flight'),
    descriptors: readdirSync(`/proc/${place.pid()}/fd`).length,
    bytes: read('nodejs_heap_size_used_bytes') + read('nodejs_external_memory_bytes'),
  };
}

/** Once garbage is collected. */
async function lookAfresh(): Promise<Look> {
  process.kill(place.pid(), 'SIGCONT');
  return look();
}

beforeAll(async () => {
  const collect = new URL('../support/collect-at-signal.ts', import.meta.url).href;
  place.environment = { NODE_OPTIONS: `--expose-gc --import=${collect}` };
  await place.start('--drain', '1s');
  const [port = 0] = await findFreePorts(1);
  const program = join(import.meta.dirname, '../support/hard-target.ts');
  const env = { ...cleanEnvironment(), PORT: `${port}` };
  target = startChild('nice', ['-n', `${NICENESS}`, process.execPath, program], { env });
  const toPath = (path: string, targetPort: number) => ({
    routes: [{ path }],
    split: { '1': 100 },
    targets: [{ revision: 1, address: `127.0.0.1:${targetPort}` }],
  });
  const services = { web: toPath('/', place.targetPort), hard: toPath(PATH, port) };
  writeFileSync(place.table, JSON.stringify({ version: 2, services }));
  await waitFor('both services', async () => {
    const statuses = await Promise.all(['/', PATH].map((path) => ask(place.port, { path })));
    return statuses.every(({ status }) => status === 200);
  });
});
afterAll(async () => {
  await place.stop();
  await target?.stop();
});

interface Courses {
  readonly proxied: Course;
  /** Of the same service, without the proxy. */
  readonly direct: Course;
  /** The most that was seen meanwhile. */
  readonly most: Look;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const beside = async (work: () => Promise<unknown>): Promise<Courses> => {
  const [proxied, direct] = [new SteadyClient(place.port), new SteadyClient(place.targetPort)];
  const looks: Look[] = [];
  // A look keeps this process busy, and what is measured is the proxy.
  proxied.between(REQUESTS_PER_LOOK, () => look().then((each) => looks.push(each)));
  try {
    await work();
  } finally {
    await Promise.all([proxied.stop(), direct.stop()]);
  }
  const most = (what: keyof Look) => Math.max(...looks.map((each) => each[what]));
  const [connections, inFlight] = [most('connections'), most('inFlight')];
  return {
    ...{ proxied: await proxied.stop(), direct: await direct.stop() },
    most: { connections, inFlight, descriptors: most('descriptors'), bytes: most('bytes') },
  };
};
const describeCourses = ({ proxied, direct }: Courses): string =>
  `p99 ${proxied.p99.toFixed(1)} ms (half ${proxied.p50.toFixed(1)}, most ${proxied.most.toFixed(1)}), without the proxy ${direct.p99.toFixed(1)} (most ${direct.most.toFixed(1)})`;

describe('five hundred clients', () => {
  let quiet: Courses;
  let before: Look;
  beforeAll(async () => {
    quiet = await beside(() => pause(QUIET_MS));
    await waitFor('the first client to be gone', async () => (await look()).connections === 0);
    before = await lookAfresh();
  });

  it.each([
    { what: 'that send their head slowly', kind: 'heads', seconds: 10, inFlight: 0 },
    {
      what: 'that send their body slowly',
      kind: 'bodies',
      seconds: 10,
      inFlight: 400,
    },
    {
      what: 'that read their answer slowly',
      kind: 'readers',
      // First of all a gigabyte goes into the buffers of the system: a busy machine needs its time for that.
      seconds: 20,
      inFlight: 300,
    },
  ] as const)(
    '$what keep nobody else from an answer, and leave nothing behind',
    async ({ what, kind, seconds, inFlight }) => {
      const url = `http://127.0.0.1:${place.port}${PATH}`;
      const courses = await beside(() => attack({ kind, url, seconds, niceness: NICENESS }));
      const { most } = courses;
      process.stdout.write(
        `${what}: beside them ${describeCourses(courses)}; alone ${describeCourses(quiet)}; ${JSON.stringify(most)}\n`,
      );
      expect(courses.proxied.failures).toEqual([]);
      expect(courses.proxied.answered).toBeGreaterThan(100);
      expect(most.connections).toBeGreaterThan(CONNECTIONS * 0.7);
      expect(most.inFlight).toBeGreaterThanOrEqual(inFlight);
      await waitFor('nothing to be left of them', async () => {
        const now = await lookAfresh();
        const isClear = now.connections === 0 && now.inFlight === 0;
        const isSmall = now.bytes < before.bytes + SPARE_BYTES;
        if (!isClear || !isSmall || now.descriptors > before.descriptors + SPARE_DESCRIPTORS)
          throw new Error(JSON.stringify({ now, before }));
        return true;
      });
    },
  );
});
