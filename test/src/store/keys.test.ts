import { describe, expect, it } from 'vitest';
import { buildKeys, classifyKey, isPrefix, isServiceName } from '../../../src/store/keys.ts';

const P = '/team/slipway';
const keys = buildKeys(P);
const digest = `sha256:${'a1'.repeat(32)}`;

describe('keys', () => {
  it.each([
    [keys.spec('web'), `${P}/services/web/spec`, { kind: 'spec', service: 'web' }],
    [keys.version('web'), `${P}/services/web/version`, { kind: 'version', service: 'web' }],
    [keys.weights('web'), `${P}/services/web/weights`, { kind: 'weights', service: 'web' }],
    [keys.command('web'), `${P}/services/web/command`, { kind: 'command', service: 'web' }],
    [keys.status('web'), `${P}/services/web/status`, { kind: 'status', service: 'web' }],
    [keys.rollout('web'), `${P}/services/web/rollout`, { kind: 'rollout', service: 'web' }],
    [keys.serviceFreeze('web'), `${P}/services/web/freeze`, { kind: 'service-freeze', service: 'web' }],
    [
      keys.revision('web', 12),
      `${P}/services/web/revisions/12`,
      { kind: 'revision', service: 'web', number: 12 },
    ],
    [
      keys.history('web', 'web-4-1287'),
      `${P}/services/web/history/web-4-1287`,
      { kind: 'history', service: 'web', rollout: 'web-4-1287' },
    ],
    [
      keys.quarantine('web', digest),
      `${P}/services/web/quarantine/${digest}`,
      { kind: 'quarantine', service: 'web', digest },
    ],
    [keys.freeze, `${P}/freeze`, { kind: 'freeze' }],
    [keys.route('web'), `${P}/routes/web`, { kind: 'route', service: 'web' }],
    [keys.proxy('host-1:80'), `${P}/proxies/host-1:80`, { kind: 'proxy', id: 'host-1:80' }],
    [keys.leader, `${P}/controller/leader`, { kind: 'leader' }],
  ])('builds and recognises %s', (built, written, shape) => {
    expect(built).toBe(written);
    expect(classifyKey(P, built)).toEqual(shape);
  });

  it.each([
    ['of another prefix', '/other/freeze', null],
    ['of a prefix that only begins alike', `${P}-2/freeze`, null],
    ['of an unknown kind', `${P}/settings`, null],
    ['of a badly named service', `${P}/services/Web/spec`, null],
    ['of a service with no name', `${P}/services//spec`, null],
    ['of a service alone', `${P}/services/web`, 'web'],
    ['of an unknown part of a service', `${P}/services/web/spec2`, 'web'],
    ['of a name that every object has', `${P}/services/web/constructor`, 'web'],
    ['below a spec', `${P}/services/web/spec/x`, 'web'],
    ['of a revision that is no number', `${P}/services/web/revisions/v1`, 'web'],
    ['of a revision with a leading zero', `${P}/services/web/revisions/01`, 'web'],
    ['of a rollout with no id', `${P}/services/web/history/`, 'web'],
    ['of a digest that is missing', `${P}/services/web/quarantine/`, 'web'],
    ['of a route below a service', `${P}/routes/web/x`, null],
    ['of a proxy with no id', `${P}/proxies/`, null],
    ['below the freeze', `${P}/freeze/web`, null],
    ['beside the leader', `${P}/controller/leader2`, null],
  ])('calls a key %s unknown, and says whose it is', (_name, key, service) => {
    expect(classifyKey(P, key)).toMatchObject({ kind: 'unknown', service, problem: expect.any(String) });
  });

  it.each([
    ['a', true],
    ['web-2', true],
    ['0', true],
    ['a'.repeat(40), true],
    ['a'.repeat(41), false],
    ['', false],
    ['-web', false],
    ['web-', false],
    ['Web', false],
    ['web_1', false],
    ['web.api', false],
    ['wéb', false],
    ['web\n', false],
  ])('service name %j: %s', (name, valid) => {
    expect(isServiceName(name)).toBe(valid);
  });

  it.each([
    ['/slipway', true],
    ['/a/b.c/d_e-1', true],
    ['slipway', false],
    ['/slipway/', false],
    ['//slipway', false],
    ['/', false],
    ['', false],
  ])('prefix %j: %s', (prefix, valid) => {
    expect(isPrefix(prefix)).toBe(valid);
  });
});
