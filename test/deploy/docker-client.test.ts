// Calls that an engine takes and never answers: each is given up in time, and costs the next ones nothing.
import { afterEach, expect, test } from 'vitest';
import { DockerRuntime } from '../../deploy/docker.ts';
import { waitFor } from '../support/wait.ts';
import { type Answers, openStandIn, type StandIn, silence } from './stand-in-engine.ts';

let engine: StandIn;
let runtime: DockerRuntime;

afterEach(async () => {
  runtime.close();
  await engine.close();
});

async function open(answers: Answers): Promise<void> {
  engine = await openStandIn({ 'GET /containers/json': [], ...answers });
  runtime = new DockerRuntime({ endpoint: engine.endpoint, controlTimeoutMs: 300, reach: 'direct' });
}

/** More than the pool has sockets. */
const MANY = 20;

const SILENT: readonly (readonly [string, string, () => Promise<unknown>])[] = [
  ['info', 'GET /info', () => runtime.info()],
  ['list', 'GET /containers/json', () => runtime.list('/slipway')],
  ['network inspect', 'GET /networks/shop', () => runtime.requireNetworks(['shop'])],
  [
    'image inspect',
    'GET /images/shop/web:v1/json',
    () =>
      runtime.resolveImage({
        ...{ image: 'shop/web', version: 'v1', policy: 'never', onProgress: () => undefined },
        signal: new AbortController().signal,
      }),
  ],
];

test.each(SILENT)('an unanswered %s keeps no socket', async (_, route, call) => {
  await open({ [route]: silence });
  const calls = Array.from({ length: MANY }, () => call().catch((error: unknown) => error));
  for (const failure of await Promise.all(calls)) expect(failure).toMatchObject({ code: 'timeout' });
  await waitFor('the sockets of the calls that were given up', async () => (await engine.connections()) <= 1);
  const other = route === 'GET /info' ? runtime.list('/slipway') : runtime.info().catch(({ code }) => code);
  expect(await other).toEqual(route === 'GET /info' ? [] : 'missing');
});

test('a version that is not told keeps no socket either', async () => {
  await open({ 'GET /version': silence });
  const calls = Array.from({ length: MANY }, () => runtime.info().catch((error: unknown) => error));
  for (const failure of await Promise.all(calls)) expect(failure).toMatchObject({ code: 'timeout' });
  await waitFor(
    'the sockets of the calls that were given up',
    async () => (await engine.connections()) === 0,
  );
});

test('an engine that takes no new connections is heard on an old one, and not taken to be there for that', async () => {
  await open({ 'GET /info': { DockerRootDir: '/d' } });
  expect(await runtime.list('/slipway')).toEqual([]);
  expect(await runtime.info()).toMatchObject({ rootDirectory: '/d' });
  engine.refuse();
  expect(await runtime.list('/slipway')).toEqual([]);
  await expect(runtime.info()).rejects.toMatchObject({ code: 'engine-unavailable' });
});
