// Hostile specs, each with the reason that it is refused for; and what an ordinary one may ask.
import { describe, expect, test } from 'vitest';
import { CLOSED_POLICY, checkPolicy, describeRefusal, normalisePath } from '../../deploy/policy.ts';
import type { ContainerSettings } from '../../strategies/model.ts';
import { PLAIN_CONTAINER } from './sample-revision.ts';

const bind = (source: string, target = '/mnt') => ({
  volumes: [{ type: 'bind' as const, source, target, readOnly: false }],
});
const volume = (source: string, target = '/mnt') => ({
  volumes: [{ type: 'volume' as const, source, target, readOnly: false }],
});
const check = (container: Partial<ContainerSettings>, options = CLOSED_POLICY, realPaths = {}) =>
  checkPolicy({ image: 'shop/web', container: { ...PLAIN_CONTAINER, ...container }, realPaths }, options)
    .map(describeRefusal)
    .join('; ');

const HOSTILE: readonly (readonly [string, Partial<ContainerSettings>, string])[] = [
  ['privileged', { privileged: true }, 'privileged: a privileged container is root on the host'],
  [
    'the engine’s socket',
    bind('/var/run/docker.sock'),
    'volumes[0]: the engine’s socket is root on the host',
  ],
  ['podman’s socket', bind('/run/podman/podman.sock'), 'volumes[0]: the engine’s socket is root on the host'],
  ['the whole disk', bind('/'), 'volumes[0]: bind mount of / is not opened with --allow-mount'],
  ['/etc', bind('/etc'), 'volumes[0]: bind mount of /etc is not opened with --allow-mount'],
  ['a way out by ..', bind('/srv/../etc'), 'volumes[0]: bind mount of /etc is not opened with --allow-mount'],
  ['a relative source', bind('etc/passwd'), 'volumes[0]: source etc/passwd is not an absolute path'],
  ['a relative target', bind('/srv', 'mnt'), 'volumes[0]: target mnt is not an absolute path'],
  ['a path as a volume’s name', volume('../../etc'), 'volumes[0]: ../../etc is not the name of a volume'],
  ['all capabilities', { capAdd: ['ALL'] }, 'cap_add: ALL reaches beyond the container'],
  ['CAP_SYS_ADMIN in full', { capAdd: ['CAP_SYS_ADMIN'] }, 'cap_add: SYS_ADMIN reaches beyond the container'],
  [
    'sys_ptrace in small letters',
    { capAdd: ['sys_ptrace'] },
    'cap_add: SYS_PTRACE reaches beyond the container',
  ],
  ['no seccomp', { securityOpt: ['seccomp=unconfined'] }, 'security_opt: seccomp=unconfined weakens'],
  [
    'no seccomp, old spelling',
    { securityOpt: ['seccomp:unconfined'] },
    'security_opt: seccomp:unconfined weakens',
  ],
  ['a seccomp profile of its own', { securityOpt: ['seccomp={}'] }, 'security_opt: seccomp={} weakens'],
  ['no AppArmor', { securityOpt: ['apparmor=unconfined'] }, 'security_opt: apparmor=unconfined weakens'],
  [
    'no AppArmor, old spelling',
    { securityOpt: ['apparmor:unconfined'] },
    'security_opt: apparmor:unconfined',
  ],
  [
    'no AppArmor, and a blank',
    { securityOpt: ['apparmor=unconfined '] },
    'security_opt: apparmor=unconfined ',
  ],
  ['no AppArmor, in capitals', { securityOpt: ['apparmor=UNCONFINED'] }, 'security_opt: apparmor=UNCONFINED'],
  ['an AppArmor profile by path', { securityOpt: ['apparmor=/etc/x'] }, 'security_opt: apparmor=/etc/x'],
  [
    'two options in one',
    { securityOpt: ['apparmor=docker-default\nseccomp=unconfined'] },
    'security_opt: apparmor=docker-default',
  ],
  ['an SELinux type', { securityOpt: ['label=type:spc_t'] }, 'security_opt: label=type:spc_t weakens'],
  ['an old privilege', { securityOpt: ['no-new-privileges=maybe'] }, 'security_opt: no-new-privileges=maybe'],
  ['no SELinux', { securityOpt: ['label=disable'] }, 'security_opt: label=disable weakens'],
  [
    'bare system paths',
    { securityOpt: ['systempaths=unconfined'] },
    'security_opt: systempaths=unconfined weakens',
  ],
  ['the host’s network', { networks: ['host'] }, 'networks: network host leaves the container’s own'],
  [
    'another container’s network',
    { networks: ['container:db'] },
    'networks: container:db is not the name of a network',
  ],
  ['a namespace by path', { networks: ['ns:/proc/1/ns/net'] }, 'networks: ns:/proc/1/ns/net is not the name'],
  ['a tmpfs over /dev by a way out', { tmpfs: ['/dev/shm/../mqueue'] }, 'tmpfs: /dev/mqueue belongs to'],
  ['a tmpfs as the root', { tmpfs: ['/tmp/..:exec'] }, 'tmpfs: /tmp/..:exec is not a path inside'],
  ['a tmpfs over /proc', { tmpfs: ['/proc/sys'] }, 'tmpfs: /proc/sys belongs to the kernel'],
  [
    'labels that make it ours',
    { labels: { 'slipway.service': 'db' } },
    'labels: slipway.service is Slipway’s own',
  ],
  [
    'a log to a socket of the host',
    { logging: { driver: 'syslog', options: { 'syslog-address': 'unix:///run/systemd/private' } } },
    'logging: option syslog-address opens a socket or a file of the host',
  ],
  ...['UNIX:///var/run/docker.sock', ' unix:///x', 'unixgram:///dev/log', 'File:///etc/shadow', 'fd://3'].map(
    (address): (typeof HOSTILE)[number] => [
      `a log to ${address}`,
      { logging: { driver: 'fluentd', options: { 'fluentd-address': address } } },
      'logging: option fluentd-address opens a socket or a file of the host',
    ],
  ),
  [
    'a file of the host as a certificate, from the daemon’s own directory',
    { logging: { driver: 'syslog', options: { 'syslog-tls-ca-cert': 'etc/shadow' } } },
    'logging: option syslog-tls-ca-cert opens a socket or a file of the host',
  ],
];

describe('a spec is refused for', () => {
  test.each(HOSTILE)('%s', (_name, container, reason) => {
    expect(check(container)).toContain(reason);
  });

  test('all its faults at once, not for the first alone', () => {
    expect(check({ privileged: true, networks: ['host'], capAdd: ['ALL'] }).split('; ')).toHaveLength(3);
  });
});

test('an ordinary, hardened spec is refused nothing', () => {
  const ordinary = {
    ...volume('data'),
    capDrop: ['ALL'],
    capAdd: ['NET_BIND_SERVICE', 'CAP_CHOWN'],
    securityOpt: ['no-new-privileges', 'no-new-privileges:true', 'apparmor=docker-default'],
    networks: ['backend'],
    tmpfs: ['/tmp:size=64m', '/dev/shm'],
    labels: { team: 'shop' },
    logging: { driver: 'json-file', options: { 'max-size': '10m' } },
  };
  expect(check(ordinary)).toBe('');
});

test.each([
  ['the path itself', '/srv/data', true],
  ['what is below it', '/srv/data/web', true],
  ['a neighbour that begins alike', '/srv/database', false],
  ['what is above it', '/srv', false],
  ['a way out of it', '/srv/data/../secret', false],
  ['a socket that lies in it', '/srv/data/docker.sock', false],
])('--allow-mount /srv/data opens %s: %s → %s', (_name, source, allowed) => {
  expect(check(bind(source), { allowMounts: ['/srv/data/'], registries: null }) === '').toBe(allowed);
});

test('a symlink counts as what it leads to', () => {
  const options = { allowMounts: ['/srv/data'], registries: null };
  expect(check(bind('/srv/data/link'), options, { '/srv/data/link': '/etc' })).toContain('/etc');
  expect(check(bind('/srv/other'), options, { '/srv/other': '/srv/data/real' })).toBe('');
});

test('the engine’s socket needs its very own --allow-mount', () => {
  expect(check(bind('/run/docker.sock'), { allowMounts: ['/run'], registries: null })).toContain('socket');
  expect(check(bind('/run/docker.sock'), { allowMounts: ['/run/docker.sock'], registries: null })).toBe('');
});

test.each([
  ['/run', ['/run'], '/run/docker.sock'],
  ['/run/podman', ['/run'], '/run/podman/podman.sock'],
  ['/srv', ['/srv'], '/srv/engine/api'],
  ['/srv', ['/srv', '/srv/engine/api'], null],
  ['/srv/data', ['/srv'], null],
])(
  'a directory with a socket of the engine in it is none the better: %s with %j → %s',
  (source, allowMounts, socket) => {
    const refusal = `volumes[0]: ${source} has the engine’s socket ${socket} in it, which is root on the host`;
    expect(check(bind(source), { allowMounts, registries: null, socket: '/srv/engine/api' })).toBe(
      socket === null ? '' : refusal,
    );
  },
);

test.each([
  ['registry.example.com/shop/web', true],
  ['registry.example.com.evil.org/web', false],
  ['nginx', false],
  ['localhost/web', false],
])('with a list of registries, %s is allowed: %s', (image, allowed) => {
  const options = { allowMounts: [], registries: ['registry.example.com'] };
  expect(checkPolicy({ image, container: PLAIN_CONTAINER }, options).length === 0).toBe(allowed);
});

test.each([
  ['/a/../../b', '/b'],
  ['//a//b/', '/a/b'],
  ['/./a/.', '/a'],
  ['/', '/'],
])('%s is %s', (path, normal) => {
  expect(normalisePath(path)).toBe(normal);
});
