// Whoever may write a spec must not become root on the engine's host by it. Hostile specs, each through the key that an
// operator writes: none gets a container, and each status says why. An ordinary one beside them runs.
import Docker from 'dockerode';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Service, type SpecFields } from '../support/service.ts';
import { type Slipway, startSlipway } from '../support/slipway.ts';
import { buildVersions, REPOSITORY } from '../support/versions.ts';

const docker = new Docker();
let slipway: Slipway;

beforeAll(async () => {
  await buildVersions('v1');
  slipway = await startSlipway({ arguments: ['--allow-mount', '/var/run', '--allow-mount', '/srv/data'] });
});
afterAll(async () => {
  await slipway?.stop();
});

const bind = (source: string, target = '/mnt'): SpecFields => ({
  volumes: [{ type: 'bind', source, target }],
});
const logTo = (driver: string, options: SpecFields): SpecFields => ({ logging: { driver, options } });

const HOSTILE: readonly (readonly [string, SpecFields, string])[] = [
  ['privileged', { privileged: true }, 'privileged: no such field'],
  ['the host’s processes', { pid: 'host' }, 'pid: no such field'],
  ['the host’s memory', { ipc: 'host' }, 'ipc: no such field'],
  ['the host’s users', { userns_mode: 'host' }, 'userns_mode: no such field'],
  ['the host’s network as a mode', { network_mode: 'host' }, 'network_mode: no such field'],
  ['a device', { devices: ['/dev/mem'] }, 'devices: no such field'],
  ['a cgroup of the host', { cgroup_parent: '/' }, 'cgroup_parent: no such field'],
  [
    'the engine’s socket',
    bind('/var/run/docker.sock'),
    'volumes[0]: the engine’s socket is root on the host',
  ],
  ['the directory of the engine’s socket', bind('/var/run'), 'has the engine’s socket'],
  ['the whole disk', bind('/'), 'volumes[0]: bind mount of / is not opened with --allow-mount'],
  ['/etc by a way out of what is open', bind('/srv/data/../../etc'), 'volumes[0]: bind mount of /etc is not'],
  ['/proc', bind('/proc'), 'volumes[0]: bind mount of /proc is not opened with --allow-mount'],
  ['a path as a volume’s name', { volumes: ['../../etc:/mnt'] }, 'volumes[0]'],
  ['all capabilities', { cap_add: ['ALL'] }, 'cap_add: ALL reaches beyond the container'],
  ['CAP_SYS_ADMIN', { cap_add: ['CAP_SYS_ADMIN'] }, 'cap_add: SYS_ADMIN reaches beyond the container'],
  ['sys_module in small letters', { cap_add: ['sys_module'] }, 'cap_add'],
  ['no seccomp', { security_opt: ['seccomp=unconfined'] }, 'security_opt: seccomp=unconfined weakens'],
  [
    'no AppArmor, and a blank',
    { security_opt: ['apparmor=unconfined '] },
    'security_opt: apparmor=unconfined',
  ],
  ['no SELinux', { security_opt: ['label=disable'] }, 'security_opt: label=disable weakens'],
  ['bare system paths', { security_opt: ['systempaths=unconfined'] }, 'security_opt: systempaths=unconfined'],
  ['the host’s network', { networks: ['host'] }, 'networks: found the network host'],
  ['another container’s network', { networks: ['container:db'] }, 'networks'],
  ['a tmpfs over /proc', { tmpfs: ['/proc/sys'] }, 'tmpfs: /proc/sys belongs to the kernel'],
  ['labels that make it another’s', { labels: { 'slipway.service': 'db' } }, 'slipway.service'],
  [
    'a log to a socket of the host',
    logTo('syslog', { 'syslog-address': 'UNIX:///run/systemd/private' }),
    'logging: option syslog-address opens a socket or a file of the host',
  ],
  [
    'a file of the host as a certificate',
    logTo('syslog', { 'syslog-address': 'tcp+tls://127.0.0.1:9', 'syslog-tls-ca-cert': 'etc/shadow' }),
    'logging: option syslog-tls-ca-cert opens a socket or a file of the host',
  ],
];

async function submit(spec: SpecFields): Promise<Service> {
  const service = new Service(slipway, {
    image: REPOSITORY,
    strategy: 'recreate',
    spec: { replicas: 1, ...spec },
  });
  await service.ask('v1');
  await service.apply();
  return service;
}

it.each(HOSTILE)('%s: no container, and the reason is told', async (_, spec, reason) => {
  const service = await submit(spec);
  const status = await service.until('the refusal', ({ phase }) => phase === 'invalid');
  expect(status).toMatchObject({ reason: 'invalid-spec', stable: null, candidate: null, rollout: null });
  expect(status.message).toContain(reason);
  expect(await service.containers()).toEqual([]);
});

it('the host’s network by its id: no container, and the reason is told', async () => {
  const host = await docker.listNetworks({ filters: { name: ['host'] } });
  const id = host.find(({ Name }) => Name === 'host')?.Id ?? 'none';
  const service = await submit({ networks: [id] });
  const finished = await service.finish(
    (await slipway.store.get(slipway.keys.version(service.name)))?.modRevision ?? 0,
  );
  expect(finished).toMatchObject({ outcome: 'failed', message: expect.stringContaining('is host') });
  expect(await service.containers()).toEqual([]);
});

it('an ordinary, hardened spec beside them runs', async () => {
  const service = await submit({
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges:true'],
    tmpfs: ['/tmp:size=16m'],
    labels: { team: 'shop' },
    logging: { driver: 'json-file', options: { 'max-size': '1m' } },
  });
  await service.until('v1', ({ stable }) => stable?.version === 'v1');
  expect(await service.containers()).toMatchObject([{ state: 'running' }]);
});
