import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { chooseApiVersion } from '../../deploy/docker-client.ts';
import { parseEndpoint } from '../../deploy/endpoint.ts';

test.each([
  ['nothing', undefined, {}, { kind: 'unix', path: '/var/run/docker.sock' }],
  ['a socket', 'unix:///run/d.sock', {}, { kind: 'unix', path: '/run/d.sock' }],
  ['a path', '/run/d.sock', {}, { kind: 'unix', path: '/run/d.sock' }],
  ['DOCKER_HOST', undefined, { DOCKER_HOST: 'unix:///run/e.sock' }, { kind: 'unix', path: '/run/e.sock' }],
  ['the flag over DOCKER_HOST', '/f', { DOCKER_HOST: 'unix:///e' }, { kind: 'unix', path: '/f' }],
  ['loopback TCP', 'tcp://127.0.0.1:2375', {}, { kind: 'tcp', host: '127.0.0.1', port: 2375, tls: null }],
  ['loopback TCP, no port', 'tcp://localhost', {}, { kind: 'tcp', host: 'localhost', port: 2375, tls: null }],
  ['loopback TCP, IPv6', 'tcp://[::1]:99', {}, { kind: 'tcp', host: '::1', port: 99, tls: null }],
])('%s is understood', (_name, text, env, endpoint) => {
  expect(parseEndpoint(text, env)).toEqual(endpoint);
});

test.each([
  ['plain TCP to another machine', 'tcp://10.0.0.5:2375', 'DOCKER_CERT_PATH'],
  ['plain TCP to a name that looks like loopback', 'tcp://127.0.0.1.evil.org:2375', 'plain TCP'],
  ['ssh', 'ssh://root@host', 'unix:///'],
  ['http', 'http://127.0.0.1:2375', 'tcp://host:port'],
  ['a path behind the port', 'tcp://127.0.0.1:2375/v1', 'expected tcp://host:port'],
  ['no host', 'tcp://', 'expected tcp://host:port'],
])('%s is refused with the next move', (_name, text, words) => {
  expect(() => parseEndpoint(text, {})).toThrow(words);
});

test('mutual TLS opens another machine; certificates that are not there are named', () => {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-tls-'));
  const env = { DOCKER_CERT_PATH: folder, DOCKER_TLS_VERIFY: '1' };
  expect(() => parseEndpoint('tcp://10.0.0.5', env)).toThrow('ca.pem');
  for (const file of ['ca.pem', 'cert.pem', 'key.pem']) writeFileSync(join(folder, file), file);
  expect(parseEndpoint('tcp://10.0.0.5', env)).toMatchObject({
    port: 2376,
    tls: { key: Buffer.from('key.pem') },
  });
  rmSync(folder, { recursive: true });
});

test.each([
  ['Debian’s 20.10', '1.41', '1.12', '1.41'],
  ['Docker 29', '1.52', '1.44', '1.51'],
  ['one that we are too old for', '1.80', '1.60', '1.60'],
  ['podman 4.3', '1.41', '1.24', '1.41'],
  ['one that tells no minimum', '1.40', undefined, '1.40'],
])('with %s (%s, at least %s) version %s is spoken', (_name, newest, oldest, chosen) => {
  expect(chooseApiVersion(newest, oldest)).toBe(chosen);
});
