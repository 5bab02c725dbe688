// What an engine's odd answers to a pull come to.
import { afterEach, expect, test } from 'vitest';
import { DockerRuntime } from '../../deploy/docker.ts';
import { type Answers, fail, openStandIn, type StandIn } from './stand-in-engine.ts';

let engine: StandIn | null = null;
let runtime: DockerRuntime | null = null;
const notices: string[] = [];

afterEach(async () => {
  runtime?.close();
  await engine?.close();
});

async function open(answers: Answers): Promise<DockerRuntime> {
  engine = await openStandIn({ 'GET /info': { DockerRootDir: '/' }, ...answers });
  notices.length = 0;
  runtime = new DockerRuntime({ endpoint: engine.endpoint, onNotice: (message) => notices.push(message) });
  return runtime;
}

const wanted = (image: string, version: string) => {
  const { signal } = new AbortController();
  return { image, version, policy: 'missing', onProgress: () => undefined, signal } as const;
};

test.each([
  ['acme/crunch', 'v1', 404, 'manifest for acme/crunch:v1 not found: manifest unknown', 'missing'],
  ['acme/runc', 'v1', 404, 'acme/runc is nowhere', 'missing'],
  ['acme/web', '429', 404, 'manifest for acme/web:429 not found: manifest unknown', 'missing'],
  ['acme/web', 'v1', 500, 'network 10.0.0.0 not found', 'unknown'],
  ['acme/web', 'v1', 400, 'invalid reference format', 'refused'],
] as const)('%s:%s refused with %i, "%s": %s', async (image, version, status, message, pull) => {
  const docker = await open({ 'POST /images/create': fail(status, message) });
  await expect(docker.resolveImage(wanted(image, version))).rejects.toMatchObject({
    code: 'image-pull',
    pull,
    message: `${image}:${version}: ${message}`,
  });
});

test('an engine that is not there is no failure of the registry', async () => {
  const docker = await open({ 'POST /images/create': fail(503, 'starting up') });
  await expect(docker.resolveImage(wanted('acme/web', 'v1'))).rejects.toMatchObject({
    code: 'engine-unavailable',
    pull: null,
  });
});

test.each([
  [
    '/nowhere/to/be/seen',
    ['free space is not checked before a pull: /nowhere/to/be/seen is not to be seen from here'],
  ],
  ['/', []],
])('an engine whose disk is at %s: said once that its space is not checked', async (root, said) => {
  const docker = await open({ 'GET /info': { DockerRootDir: root } });
  for (const version of ['v1', 'v2'])
    await docker.resolveImage(wanted('acme/web', version)).catch(() => undefined);
  expect(notices).toEqual(said);
});
