// The pure parts of the Docker adapter: requests built, replies and events read.
import type Docker from 'dockerode';
import { expect, test } from 'vitest';
import { buildCreateOptions, parseRestart } from '../../deploy/docker-create.ts';
import { parseEvent } from '../../deploy/docker-events.ts';
import { parseState, toContainerState } from '../../deploy/docker-state.ts';
import { parseLabels, toLabels } from '../../deploy/labels.ts';
import { sampleRequest } from './sample-revision.ts';

test('what the spec leaves out is left to the engine and the image', () => {
  const options = buildCreateOptions(sampleRequest(), 'slipway', 'direct');
  const absent = ['Cmd', 'Entrypoint', 'User', 'WorkingDir', 'StopSignal', 'Healthcheck', 'Hostname'];
  expect(absent.filter((field) => field in options)).toEqual([]);
  const limits = [
    'Memory',
    'NanoCpus',
    'PidsLimit',
    'ShmSize',
    'Init',
    'ReadonlyRootfs',
    'Privileged',
    'LogConfig',
  ];
  expect(limits.filter((field) => field in (options.HostConfig ?? {}))).toEqual([]);
  expect(options.Image).toBe(`shop/web@sha256:${'1'.repeat(64)}`);
});

test.each([
  ['direct', 8080, {}],
  ['loopback', 8080, { '8080/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }] }],
  ['loopback', null, {}],
] as const)('reached %s with port %s, the published ports are %j', (reach, port, ports) => {
  expect(buildCreateOptions(sampleRequest({ port }), 'slipway', reach).HostConfig?.PortBindings).toEqual(
    ports,
  );
});

test.each([
  [{ kind: 'auto' }, undefined],
  [{ kind: 'image' }, undefined],
  [{ kind: 'http', path: '/', status: [] }, { Test: ['NONE'] }],
  [{ kind: 'tcp' }, { Test: ['NONE'] }],
  [{ kind: 'exec', test: ['CMD', 'true'] }, { Test: ['NONE'] }],
  [{ kind: 'none' }, { Test: ['NONE'] }],
] as const)('with the check %j, the image’s own is %j', (probe, healthcheck) => {
  const options = buildCreateOptions(sampleRequest({ probe }), 'slipway', 'direct');
  expect(options.Healthcheck).toEqual(healthcheck);
});

test('labels of the spec never replace ours', () => {
  const request = sampleRequest({ container: { labels: { 'slipway.service': 'db', team: 'shop' } } });
  expect(buildCreateOptions(request, 'slipway', 'direct').Labels).toMatchObject({
    'slipway.service': 'web',
    team: 'shop',
  });
});

test.each([
  ['no', { Name: 'no' }],
  ['always', { Name: 'always' }],
  ['unless-stopped', { Name: 'unless-stopped' }],
  ['on-failure', { Name: 'on-failure' }],
  ['on-failure:3', { Name: 'on-failure', MaximumRetryCount: 3 }],
])('restart policy %s', (text, policy) => expect(parseRestart(text)).toEqual(policy));

test.each(['sometimes', 'always:3', 'on-failure:', 'on-failure:x'])(
  'restart policy %s is refused',
  (text) => {
    expect(() => parseRestart(text)).toThrow('use no, always');
  },
);

const inspected = (state: object, rest: object = {}): Docker.ContainerInspectInfo => {
  const zero = {
    ExitCode: 0,
    OOMKilled: false,
    Error: '',
    StartedAt: '0001-01-01T00:00:00Z',
    Status: 'created',
  };
  const partial: unknown = {
    Id: 'abc',
    Name: '/web-r1-1',
    RestartCount: 0,
    State: { ...zero, ...state },
    NetworkSettings: {
      Networks: { slipway: { IPAddress: '172.18.0.4' } },
      Ports: { '8080/tcp': [{ HostIp: '127.0.0.1', HostPort: '49153' }] },
    },
    ...rest,
  };
  return partial as Docker.ContainerInspectInfo;
};
const labels = parseLabels(toLabels(sampleRequest()));
const read = (container: Docker.ContainerInspectInfo, reach: 'direct' | 'loopback' = 'direct') =>
  labels === null ? null : toContainerState(container, labels, 'slipway', reach);

test.each([
  ['created', {}, { state: 'created', address: null, startedAt: null, exitCode: null }],
  [
    'running',
    { Status: 'running', StartedAt: '2026-01-01T00:00:00.5Z' },
    { state: 'running', address: '172.18.0.4:8080', startedAt: 1767225600500, exitCode: null },
  ],
  ['restarting', { Status: 'restarting', ExitCode: 3 }, { state: 'restarting', address: null, exitCode: 3 }],
  [
    'exited',
    { Status: 'exited', ExitCode: 137, OOMKilled: true },
    { exitCode: 137, outOfMemory: true, address: null },
  ],
  [
    'never started',
    { ExitCode: 127, Error: 'no such file' },
    { state: 'created', exitCode: null, error: 'no such file' },
  ],
  ['podman’s word for exited', { Status: 'stopped', ExitCode: 1 }, { state: 'exited', exitCode: 1 }],
])('a container that is %s', (_name, state, expected) => {
  expect(read(inspected(state))).toMatchObject({ name: 'web-r1-1', service: 'web', ...expected });
});

test('over loopback the address is the published port, and none while there is none', () => {
  const running = { Status: 'running' };
  expect(read(inspected(running), 'loopback')?.address).toBe('127.0.0.1:49153');
  const bare = { NetworkSettings: { Networks: {}, Ports: {} } };
  expect(read(inspected(running, bare), 'loopback')?.address).toBeNull();
  expect(read(inspected(running, bare), 'direct')?.address).toBeNull();
});

test('an unknown state is a refusal, never a default', () => {
  expect(() => parseState(inspected({ Status: 'levitating' }))).toThrow('levitating');
});

const event = (Action: string, attributes: object = {}) => ({
  Type: 'container',
  Action,
  Actor: { ID: 'abc', Attributes: { 'slipway.service': 'web', ...attributes } },
  timeNano: 1_500_000_000,
});

test.each([
  ['start', event('start'), { kind: 'start', exitCode: null }],
  ['die', event('die', { exitCode: '137' }), { kind: 'exit', exitCode: 137 }],
  ['podman’s died', event('died', { containerExitCode: 1 }), { kind: 'exit', exitCode: 1 }],
  ['oom', event('oom'), { kind: 'oom', exitCode: null }],
  ['destroy', event('destroy'), { kind: 'destroy', exitCode: null }],
])('%s is told on', (_name, line, expected) => {
  expect(parseEvent(line)).toEqual({ event: { service: 'web', containerId: 'abc', ...expected }, time: 1.5 });
});

test.each([
  ['of a kind that is of no use', event('exec_create: true')],
  ['without a container', { Action: 'start' }],
  ['with nonsense in it', { Action: 7, Actor: 'x' }],
])('an event %s is passed over', (_name, line) => {
  expect(parseEvent(line)).toBeNull();
});
