// How containers are reached where nobody says it: by what the engine tells of itself, and whether we are on its network.
import { afterEach, describe, expect, test } from 'vitest';
import { EngineClient } from '../../deploy/docker-client.ts';
import { EngineNetwork } from '../../deploy/docker-network.ts';
import { fail, openStandIn, type StandIn } from './stand-in-engine.ts';

const SELF = 'c0ffee00c0ff';
const PLAIN = { OperatingSystem: 'Debian GNU/Linux 13', SecurityOptions: ['name=seccomp,profile=default'] };
const ROOTLESS = { ...PLAIN, SecurityOptions: ['name=seccomp,profile=default', 'name=rootless'] };
const DESKTOP = { ...PLAIN, OperatingSystem: 'Docker Desktop' };
const ON_IT = { Name: 'slipway', Containers: { [`${SELF}${'0'.repeat(52)}`]: { Name: 'slipway-1' } } };
const OTHERS = { Name: 'slipway', Containers: { ['f'.repeat(64)]: { Name: 'web-r1-1' } } };

let engine: StandIn;
let client: EngineClient;

afterEach(async () => {
  client.close();
  await engine.close();
});

async function detect(kind: 'unix' | 'tcp', info: object, network: object | undefined, self: string) {
  engine = await openStandIn({ 'GET /info': info, 'GET /networks/slipway': network }, kind);
  client = new EngineClient({ endpoint: engine.endpoint });
  return await new EngineNetwork(client, 'slipway', 'auto', self).reach();
}

describe('reach auto', () => {
  test.each([
    ['a local engine', 'unix', PLAIN, OTHERS, 'a-host', 'direct'],
    ['a local engine, no network yet', 'unix', PLAIN, undefined, 'a-host', 'direct'],
    ['a rootless engine', 'unix', ROOTLESS, OTHERS, 'a-host', 'loopback'],
    ['Docker Desktop', 'unix', DESKTOP, OTHERS, 'a-host', 'loopback'],
    ['a rootless engine, from a container elsewhere', 'unix', ROOTLESS, OTHERS, SELF, 'loopback'],
    ['a rootless engine, from a container on the network', 'unix', ROOTLESS, ON_IT, SELF, 'direct'],
    ['Docker Desktop, from a container on the network', 'unix', DESKTOP, ON_IT, SELF, 'direct'],
    ['an engine by TCP', 'tcp', PLAIN, OTHERS, 'a-host', 'loopback'],
    ['an engine by TCP, from a container on the network', 'tcp', PLAIN, ON_IT, SELF, 'direct'],
  ] as const)('%s', async (_, kind, info, network, self, reach) => {
    expect(await detect(kind, info, network, self)).toBe(reach);
  });
});

test('what the settings say is not asked for', async () => {
  engine = await openStandIn({});
  client = new EngineClient({ endpoint: engine.endpoint });
  expect(await new EngineNetwork(client, 'slipway', 'loopback', SELF).reach()).toBe('loopback');
  expect(engine.asked).toEqual([]);
});

test.each([
  ['the host’s', { Name: 'host', Driver: 'host' }, 'policy-refused', 'network c0ffee is host'],
  ['none', { Name: 'none', Driver: 'null' }, 'policy-refused', 'network c0ffee is none'],
])('%s network by its id is refused as by its name', async (_, network, code, words) => {
  engine = await openStandIn({ 'GET /networks/c0ffee': network, 'GET /networks/shop': { Driver: 'bridge' } });
  client = new EngineClient({ endpoint: engine.endpoint });
  const networks = new EngineNetwork(client, 'slipway', 'direct');
  await networks.requireAll(['shop']);
  await expect(networks.requireAll(['shop', 'c0ffee'])).rejects.toMatchObject({
    code,
    message: expect.stringContaining(words),
  });
});

test('a name that several networks have is a mistake, but for our own, of which one is taken away again', async () => {
  const twice = (name: string) => fail(400, `network ${name} is ambiguous (2 matches found on name)`);
  engine = await openStandIn({
    'GET /networks/shop': twice('shop'),
    'GET /networks/slipway': twice('slipway'),
  });
  client = new EngineClient({ endpoint: engine.endpoint });
  const networks = new EngineNetwork(client, 'slipway', 'direct');
  await expect(networks.requireAll(['shop'])).rejects.toMatchObject({
    code: 'invalid-request',
    message: 'network shop is there more than once; remove or rename all but one',
  });
  await expect(networks.requireAll(['slipway'])).rejects.toMatchObject({ code: 'engine-error' });
});
