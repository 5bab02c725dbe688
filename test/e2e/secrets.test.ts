// A secret in a spec's environment is for its containers alone. A canary is put there, and searched for in everything that
// Slipway tells while a release succeeds, one fails, a spec is spoilt, and one is refused by the engine.
import Docker from 'dockerode';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Service } from '../support/service.ts';
import { type Slipway, startSlipway } from '../support/slipway.ts';
import { buildVersions, REPOSITORY } from '../support/versions.ts';
import { waitFor } from '../support/wait.ts';

const CANARY = `canary${Math.random().toString(36).slice(2)}`;
const ENVIRONMENT = { API_TOKEN: `${CANARY} with: blanks`, OTHER: CANARY };

let slipway: Slipway;
let service: Service;
let refused: Service;

beforeAll(async () => {
  await buildVersions('v1', 'exits');
  slipway = await startSlipway({ arguments: ['--log-level', 'debug'] });
  service = new Service(slipway, { image: REPOSITORY, strategy: 'rolling', spec: secretSpec() });
  refused = new Service(slipway, {
    image: REPOSITORY,
    strategy: 'recreate',
    spec: secretSpec({ cpus: 4096 }),
  });
});
afterAll(async () => {
  await slipway?.stop();
});

function secretSpec(more: object = {}) {
  return { replicas: 1, environment: ENVIRONMENT, ...more };
}

/** What the status said at each turn that the next one hides. */
async function live(): Promise<string> {
  const said: unknown[] = [];
  await service.stand('v1');
  expect((await service.finish(await service.ask('exits'))).outcome).toBe('rolled-back');
  await refused.apply();
  expect(await refused.finish(await refused.ask('v1'))).toMatchObject({
    outcome: 'failed',
    reason: 'settings-refused',
  });
  for (const environment of [`API_TOKEN=${CANARY}`, { API_TOKEN: [CANARY] }, [`${CANARY}`]]) {
    const written = await service.apply({ environment });
    said.push(
      await service.until(
        'the report',
        ({ phase, observed }) => phase === 'invalid' && observed.spec === written,
      ),
    );
  }
  return JSON.stringify(said);
}

/** Everything that is told, by where. */
async function collect(): Promise<Readonly<Record<string, string>>> {
  const { admin, proxyAdmin } = slipway.ports;
  const read = async (port: number, path: string) =>
    await (await fetch(`http://127.0.0.1:${port}${path}`)).text();
  const cli = async (...words: string[]) => {
    const { stdout, stderr } = await slipway.cli(...words);
    return stdout + stderr;
  };
  const { name } = service;
  return {
    log: slipway.log(),
    metrics: await read(admin, '/metrics'),
    'metrics of the proxy': await read(proxyAdmin, '/metrics'),
    'api, all': await read(admin, '/api/v1/services'),
    'api, one': await read(admin, `/api/v1/services/${name}`),
    events: await readEvents(admin),
    'slipway status': await cli('status', name, '-o', 'json'),
    'slipway explain': await cli('explain', name),
    'slipway history': await cli('history', name),
    'slipway plan': await cli('plan', name, '--version', 'v1'),
    'slipway logs': await cli('logs', name),
    ...(await readLabels()),
    ...(await readKeys()),
  };
}

/** From the first on that the daemon still has. */
async function readEvents(port: number): Promise<string> {
  const abort = new AbortController();
  const headers = { 'last-event-id': '0' };
  const response = await fetch(`http://127.0.0.1:${port}/api/v1/events`, { headers, signal: abort.signal });
  const decoder = new TextDecoder();
  let text = '';
  try {
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      if (text.includes('rolled-back')) break;
    }
  } finally {
    abort.abort();
  }
  return text;
}

async function readLabels(): Promise<Readonly<Record<string, string>>> {
  const docker = new Docker();
  const found = await docker.listContainers({
    all: true,
    filters: { label: [`slipway.prefix=${slipway.prefix}`] },
  });
  return Object.fromEntries(
    found.map(({ Id, Names, Labels }) => [`labels of ${Id.slice(0, 12)}`, JSON.stringify([Names, Labels])]),
  );
}

/** All but the operator's own spec, the controller's private record with the spec in force, and the revisions' settings. */
async function readKeys(): Promise<Readonly<Record<string, string>>> {
  const { keys, store } = slipway;
  const { entries } = await store.list(keys.root);
  const owns = [service, refused].flatMap(({ name }) => [
    keys.spec(name),
    keys.rollout(name),
    keys.revisions(name),
  ]);
  const told = entries.filter(({ key }) => !owns.some((own) => key.startsWith(own)));
  return Object.fromEntries(told.map(({ key, value }) => [key, value]));
}

it('a secret of the environment is told nowhere', async () => {
  const statuses = await live();
  const told = await waitFor<Readonly<Record<string, string>>>('every place to say something', async () => {
    const found = await collect();
    return Object.values(found).every((text) => text !== '') ? { ...found, statuses } : null;
  });
  expect(Object.keys(told)).toEqual(expect.arrayContaining([slipway.keys.status(service.name)]));
  expect(told.log).toContain('"level":"debug"');
  expect(told.events).toContain('rolled-back');
  expect(Object.entries(told).flatMap(([place, text]) => (text.includes(CANARY) ? [place] : []))).toEqual([]);
  const [container] = await service.containers();
  const { Config } = await new Docker().getContainer(container?.id ?? '').inspect();
  expect(Config.Env).toContain(`OTHER=${CANARY}`);
});
