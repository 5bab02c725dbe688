import { describe, expect, it } from 'vitest';
import { ConfigProblem, type GivenFlags, readSettings, type Variables } from '../../src/config.ts';
import {
  CLIENT_SETTINGS,
  flagOf,
  listVariables,
  PROXY_SETTINGS,
  SERVE_SETTINGS,
  type SettingName,
  variableOf,
} from '../../src/config-settings.ts';

function readOne(name: SettingName, flags: GivenFlags = {}, env: Variables = {}): unknown {
  return readSettings([name], flags, env)[name];
}

function problemsOf(
  names: readonly SettingName[],
  flags: GivenFlags,
  env: Variables = {},
): readonly string[] {
  try {
    readSettings(names, flags, env);
  } catch (error) {
    if (error instanceof ConfigProblem) return error.problems;
    throw error;
  }
  return [];
}

describe('settings: flags over variables over defaults', () => {
  const cases: readonly [string, SettingName, GivenFlags, Variables, unknown][] = [
    ['nothing given is the default', 'prefix', {}, {}, '/slipway'],
    ['a variable goes over the default', 'prefix', {}, { SLIPWAY_PREFIX: '/a' }, '/a'],
    ['a flag goes over the variable', 'prefix', { prefix: '/b' }, { SLIPWAY_PREFIX: '/a' }, '/b'],
    ['an empty variable counts as unset', 'prefix', {}, { SLIPWAY_PREFIX: '' }, '/slipway'],
    ['etcd is embedded by default', 'etcd', {}, {}, 'embedded'],
    [
      'etcd may be several members',
      'etcd',
      { etcd: 'http://a:1, http://b:2/' },
      {},
      ['http://a:1', 'http://b:2'],
    ],
    ['a bare port listens everywhere', 'http', { http: ':80' }, {}, { host: null, port: 80 }],
    ['an IPv6 address loses its brackets', 'admin', { admin: '[::1]:9' }, {}, { host: '::1', port: 9 }],
    ['no address has a limit by default', 'maxConnectionsPerAddress', {}, {}, 0],
    ['nobody is trusted by default', 'trustedProxies', {}, {}, null],
    [
      'networks and single addresses are trusted',
      'trustedProxies',
      {},
      { SLIPWAY_TRUSTED_PROXIES: '10.0.0.0/8, 192.0.2.7,fd00::/8,::1' },
      [
        { address: '10.0.0.0', prefix: 8 },
        { address: '192.0.2.7', prefix: 32 },
        { address: 'fd00::', prefix: 8 },
        { address: '::1', prefix: 128 },
      ],
    ],
    ['a duration is in milliseconds', 'leaderTtl', { leaderTtl: '1m30s' }, {}, 90_000],
    ['a switch comes from a variable', 'noProxy', {}, { SLIPWAY_NO_PROXY: '1' }, true],
    ['a repeatable flag is a list', 'allowMount', { allowMount: ['/a', '/b'] }, {}, ['/a', '/b']],
    [
      "a list's variable is comma-separated",
      'allowMount',
      {},
      { SLIPWAY_ALLOW_MOUNT: '/a, /b' },
      ['/a', '/b'],
    ],
    ['an absent list is empty', 'allowRegistry', {}, {}, []],
    ['DOCKER_HOST is the default engine', 'docker', {}, { DOCKER_HOST: 'unix:///d.sock' }, 'unix:///d.sock'],
    [
      'the flag goes over DOCKER_HOST',
      'docker',
      { docker: 'unix:///e.sock' },
      { DOCKER_HOST: 'unix:///d.sock' },
      'unix:///e.sock',
    ],
    ['the local socket is the last default', 'docker', {}, {}, 'unix:///var/run/docker.sock'],
    ['what is optional is null', 'adminTokenFile', {}, {}, null],
    ['the command may have a default of its own', 'timeout', {}, {}, 600_000],
  ];
  it.each(cases)('%s', (_, name, flags, env, expected) => {
    expect(readOne(name, flags, env)).toEqual(expected);
  });

  it('lets a command override a default, and a variable the override', () => {
    expect(readSettings(['admin'], {}, {}, { admin: ':1' }).admin.port).toBe(1);
    expect(readSettings(['admin'], {}, { SLIPWAY_ADMIN: ':2' }, { admin: ':1' }).admin.port).toBe(2);
  });
});

describe('settings: what is refused, with where, what was found and what is expected', () => {
  const cases: readonly [string, SettingName, string, RegExp][] = [
    [
      'a worker count in words',
      'workers',
      'many',
      /^--workers: found "many", expected a whole number from 1 to 64$/,
    ],
    ['no workers', 'workers', '0', /^--workers: found "0", expected a whole number/],
    ['a prefix with a slash at its end', 'prefix', '/slipway/', /^--prefix: .*expected a key prefix/],
    ['an etcd without a scheme', 'etcd', 'localhost:2379', /^--etcd: .*expected `embedded`, or URLs/],
    ['credentials in an etcd URL', 'etcd', 'http://root:pw@a:1', /^--etcd: /],
    ['mixed etcd schemes', 'etcd', 'http://a:1,https://b:2', /all http or all https/],
    ['a port beyond 65535', 'http', ':70000', /^--http: found ":70000", expected an address/],
    ['a duration without a unit', 'leaderTtl', '10', /expected a duration from 2s to 5m$/],
    ['a lease shorter than etcd can do', 'leaderTtl', '1s', /expected a duration from 2s to 5m$/],
    ['an unknown log level', 'logLevel', 'loud', /expected one of debug, info, warn, error, silent$/],
    ['an unknown way to reach containers', 'reach', 'far', /expected one of auto, direct, loopback$/],
    ['an address of https without a port', 'https', 'here', /^--https: found "here", expected an address/],
    ['a negative age', 'hsts', '-1', /^--hsts: found "-1", expected a whole number from 0 to 63072000/],
    ['an age of many years', 'hsts', '63072001', /expected a whole number from 0 to 63072000/],
    ['a redirect that is neither on nor off', 'httpsRedirect', 'yes', /expected true or false/],
    [
      'a network of 33 bits',
      'trustedProxies',
      '10.0.0.0/8,10.1.0.0/33',
      /^--trusted-proxies: .*"10.1.0.0\/33" is/,
    ],
    [
      'a host as a network',
      'trustedProxies',
      'lb.test',
      /expected addresses or networks.*"lb.test" is neither$/,
    ],
    ['a network without a number', 'trustedProxies', '10.0.0.0/', /"10.0.0.0\/" is neither$/],
    ['an empty place among networks', 'trustedProxies', '10.0.0.0/8,', /"" is neither$/],
    ['IPv4 within IPv6', 'trustedProxies', '::ffff:10.0.0.0/104', /"::ffff:10.0.0.0\/104" is neither$/],
    ['a network of one interface', 'trustedProxies', 'fe80::1%eth0', /is neither$/],
    ['plain TCP to another machine', 'docker', 'tcp://10.0.0.9:2375', /^--docker: .*root/],
    [
      'an environment, which is not there yet',
      'environment',
      'production',
      /^--environment: found "production", .*not available yet/,
    ],
    ['an unknown output', 'output', 'yaml', /expected one of text, json$/],
  ];
  it.each(cases)('%s', (_, name, value, expected) => {
    expect(problemsOf([name], { [name]: value })).toEqual([expect.stringMatching(expected)]);
  });

  it('names the variable when the value came from it', () => {
    expect(problemsOf(['workers'], {}, { SLIPWAY_WORKERS: 'x' })).toEqual([
      expect.stringMatching(/^SLIPWAY_WORKERS: found "x"/),
    ]);
  });

  it('names DOCKER_HOST when the address came from it', () => {
    expect(problemsOf(['docker'], {}, { DOCKER_HOST: 'tcp://10.0.0.9:2375' })[0]).toMatch(/^DOCKER_HOST: /);
  });

  it('tells all problems at once', () => {
    const flags = { workers: 'x', prefix: 'y', etcdUser: 'ci' };
    const found = problemsOf(SERVE_SETTINGS, flags, { SLIPWAY_ETDC: 'z' });
    expect(found.map((line) => line.split(':')[0])).toEqual([
      'SLIPWAY_ETDC',
      '--workers',
      '--prefix',
      '--etcd-user',
    ]);
  });

  it('offers the near name for an unknown variable', () => {
    expect(problemsOf(['prefix'], {}, { SLIPWAY_PREFX: '/a' })[0]).toBe(
      'SLIPWAY_PREFX: found an unknown variable, expected SLIPWAY_PREFIX, perhaps',
    );
  });

  it('does not read variables of settings that the command has not', () => {
    expect(problemsOf(CLIENT_SETTINGS, {}, { SLIPWAY_WORKERS: 'x' })).toEqual([]);
  });

  it('wants a certificate and its key together', () => {
    expect(problemsOf(CLIENT_SETTINGS, { etcdCert: 'c.pem' })).toEqual([
      '--etcd-cert: found it alone, expected --etcd-key beside it',
    ]);
  });

  it('wants a log of which the sample is', () => {
    expect(problemsOf(PROXY_SETTINGS, { accessLogSample: '0.1' })).toEqual([
      '--access-log-sample: found it alone, expected --access-log beside it',
    ]);
    const given = { accessLogSample: '0.05', accessLog: 'true' };
    expect(readSettings(PROXY_SETTINGS, given, {}).accessLogSample).toBe(0.05);
  });

  it('wants to know who may speak the PROXY protocol', () => {
    expect(problemsOf(PROXY_SETTINGS, { proxyProtocol: 'true' })).toEqual([
      '--proxy-protocol: found it alone, expected --trusted-proxies beside it',
    ]);
    expect(problemsOf(PROXY_SETTINGS, { proxyProtocol: 'true', trustedProxies: '10.0.0.1' })).toEqual([]);
  });

  it('wants https and its certificates together, and what is said of it only with it', () => {
    const https = { https: ':443', tlsDir: 'tls' };
    const said = { httpsRedirect: 'true', hsts: '60' };
    expect(problemsOf(PROXY_SETTINGS, { https: ':443' })).toEqual([
      '--https: found it alone, expected --tls-dir beside it',
    ]);
    expect(problemsOf(PROXY_SETTINGS, { tlsDir: 'tls', ...said })).toEqual([
      '--tls-dir: found it alone, expected --https beside it',
      '--https-redirect: found it alone, expected --https beside it',
      '--hsts: found it alone, expected --https beside it',
    ]);
    expect(problemsOf(PROXY_SETTINGS, { ...https, ...said })).toEqual([]);
    expect(problemsOf(PROXY_SETTINGS, { httpsRedirect: 'false', hsts: '0' })).toEqual([]);
  });
});

describe('settings: names', () => {
  it('derives flag and variable from the name', () => {
    expect(flagOf('etcdPasswordFile')).toBe('--etcd-password-file');
    expect(variableOf('etcdPasswordFile')).toBe('SLIPWAY_ETCD_PASSWORD_FILE');
  });

  it('lists every variable once', () => {
    expect(new Set(listVariables()).size).toBe(listVariables().length);
  });
});
