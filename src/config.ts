// Reads the settings of daemon, proxy and client: flags over SLIPWAY_ variables over defaults, all problems at once.
// Opens no file of its own: the caller passes flags and variables.
import { homedir } from 'node:os';
import { z } from 'zod';
import { parseEndpoint } from '../deploy/endpoint.ts';
import { RuntimeFailure } from '../deploy/errors.ts';
import type { Parsed } from '../strategies/model.ts';
import type { CLIENT_SETTINGS, PROXY_SETTINGS, SERVE_SETTINGS, SettingName } from './config-settings.ts';
import { describeSetting, flagOf, listVariables, variableOf } from './config-settings.ts';
import * as values from './config-values.ts';
import { findNearest } from './spec/nearest.ts';

export type { ListenAddress } from './config-values.ts';
export type Variables = Readonly<Record<string, string | undefined>>;
/** As the command line gave them: a list for a repeatable flag. */
export type GivenFlags = Readonly<Record<string, string | readonly string[] | undefined>>;

export class ConfigProblem extends Error {
  readonly code = 'invalid-config';
  readonly disposition = 'invalid';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'ConfigProblem';
    this.problems = problems;
  }
}

function text<T>(read: (given: string) => Parsed<T>) {
  return z.string().transform((given, context): T => {
    const parsed = read(given);
    if (parsed.ok) return parsed.value;
    context.addIssue({ code: 'custom', message: `expected ${parsed.problem}` });
    return z.NEVER;
  });
}

/** The engine's own rules: a socket, or TCP that does not give root away. */
function readEngineAddress(given: string, env: Variables): Parsed<string> {
  try {
    parseEndpoint(given, env);
    return { ok: true, value: given };
  } catch (error) {
    if (!(error instanceof RuntimeFailure)) throw error;
    return { ok: false, problem: `an address that can be used (${error.message})` };
  }
}

function choice<const T extends string>(words: readonly T[]) {
  return z.enum(words, { error: `expected one of ${words.join(', ')}` });
}

function matching(pattern: RegExp, what: string) {
  return z.string().regex(pattern, { error: `expected ${what}` });
}

/** Two years: what lists of hosts that browsers are born with ask for. */
const MAX_AGE_SECONDS = 63_072_000;

/** More than a machine has ports for one address, and files for one process. */
const MAX_CONNECTIONS = 1_000_000;

function readFields(env: Variables) {
  const file = matching(/./, 'the path of a file');
  return {
    etcd: text(values.readEndpoints),
    etcdUser: matching(/./, 'a user name').nullable(),
    etcdPasswordFile: file.nullable(),
    etcdCa: file.nullable(),
    etcdCert: file.nullable(),
    etcdKey: file.nullable(),
    prefix: text(values.readPrefix),
    environment: z.null({
      error: 'expected nothing: it is not available yet; write `environment` in the spec',
    }),
    docker: text((given) => readEngineAddress(given, env)),
    http: text(values.readListenAddress),
    https: text(values.readListenAddress).nullable(),
    tlsDir: matching(/./, 'the path of a directory').nullable(),
    httpsRedirect: text(values.readSwitch),
    hsts: text((given) => values.readInteger(given, 0, MAX_AGE_SECONDS)),
    maxConnections: text((given) => values.readInteger(given, 1, MAX_CONNECTIONS)),
    maxConnectionsPerAddress: text((given) => values.readInteger(given, 0, MAX_CONNECTIONS)),
    accessLog: text(values.readSwitch),
    accessLogSample: text(values.readShare).nullable(),
    proxyProtocol: text(values.readSwitch),
    trustedProxies: text(values.readNetworks).nullable(),
    admin: text(values.readListenAddress),
    proxyAdmin: text(values.readListenAddress),
    workers: text((given) => values.readInteger(given, 1, 64)),
    drain: text((given) => values.readDurationWithin(given, '100ms', '1h')),
    noProxy: text(values.readSwitch),
    logLevel: choice(['debug', 'info', 'warn', 'error', 'silent']),
    dataDir: matching(/./, 'the path of a directory'),
    adminTokenFile: file.nullable(),
    allowMount: z.array(matching(/^\//, 'an absolute path')),
    allowRegistry: z.array(
      matching(/^[A-Za-z0-9.-]+(:\d+)?(\/\S*)?$/, 'a registry such as registry.example.com'),
    ),
    reach: choice(['auto', 'direct', 'loopback']),
    leaderTtl: text((given) => values.readDurationWithin(given, '2s', '5m')),
    id: text(values.readName).nullable(),
    table: file.nullable(),
    snapshot: file.nullable(),
    output: choice(['text', 'json']),
    timeout: text((given) => values.readDurationWithin(given, '1s', '168h')),
  } satisfies Record<SettingName, z.ZodType>;
}

type Fields = ReturnType<typeof readFields>;
/** `leaderTtl`, `drain` and `timeout` are in milliseconds. */
export type Settings = { readonly [K in SettingName]: z.output<Fields[K]> };
export type ClientConfig = Pick<Settings, (typeof CLIENT_SETTINGS)[number]>;
export type ProxyConfig = Pick<Settings, (typeof PROXY_SETTINGS)[number]>;
export type ServeConfig = Pick<Settings, (typeof SERVE_SETTINGS)[number]>;
/** Defaults that one command has for itself. */
export type Overrides = Partial<Readonly<Record<SettingName, string>>>;

/** Throws `ConfigProblem` with every problem: where, what was found, what is expected. An empty variable counts as unset. */
export function readSettings<const K extends SettingName>(
  names: readonly K[],
  flags: GivenFlags,
  env: Variables,
  overrides: Overrides = {},
): Pick<Settings, K> {
  const fields = readFields(env);
  const problems = findUnknownVariables(env);
  const read: Partial<Record<SettingName, unknown>> = {};
  for (const name of names) {
    const { given, source } = findGiven(name, flags, env, overrides);
    const result = fields[name].safeParse(given);
    if (result.success) read[name] = result.data;
    else problems.push(`${source}: found ${JSON.stringify(given)}, ${result.error.issues[0]?.message}`);
  }
  problems.push(...findLonely(read));
  if (problems.length > 0) throw new ConfigProblem(problems);
  // Sound: every name in K was read by its own field, or its problem was thrown.
  return read as Pick<Settings, K>;
}

function findGiven(name: SettingName, flags: GivenFlags, env: Variables, overrides: Overrides) {
  const flag = flags[name];
  if (flag !== undefined) return { given: flag, source: flagOf(name) };
  const variable = env[variableOf(name)];
  if (variable === undefined || variable === '') return findDefault(name, env, overrides);
  const given = describeSetting(name).isList ? variable.split(',').map((part) => part.trim()) : variable;
  return { given, source: variableOf(name) };
}

function findDefault(name: SettingName, env: Variables, overrides: Overrides) {
  if (name === 'docker' && env.DOCKER_HOST) return { given: env.DOCKER_HOST, source: 'DOCKER_HOST' };
  if (name === 'docker') return { given: 'unix:///var/run/docker.sock', source: flagOf(name) };
  if (name === 'dataDir') return { given: findDirectory(env), source: flagOf(name) };
  const { byDefault, isList } = describeSetting(name);
  return { given: isList ? [] : (overrides[name] ?? byDefault ?? null), source: flagOf(name) };
}

function findDirectory(env: Variables): string {
  if (process.getuid?.() === 0) return '/var/lib/slipway';
  return `${env.XDG_DATA_HOME || `${homedir()}/.local/share`}/slipway`;
}

function findUnknownVariables(env: Variables): string[] {
  const known = listVariables();
  return Object.keys(env)
    .filter((name) => name.startsWith('SLIPWAY_') && !known.includes(name))
    .sort()
    .map((name) => {
      const nearest = findNearest(name, known);
      const expected = nearest === null ? `one of ${known.join(', ')}` : `${nearest}, perhaps`;
      return `${name}: found an unknown variable, expected ${expected}`;
    });
}

const PAIRS: readonly (readonly [SettingName, SettingName])[] = [
  ['etcdUser', 'etcdPasswordFile'],
  ['etcdPasswordFile', 'etcdUser'],
  ['etcdCert', 'etcdKey'],
  ['etcdKey', 'etcdCert'],
  ['https', 'tlsDir'],
  ['tlsDir', 'https'],
  ['httpsRedirect', 'https'],
  ['hsts', 'https'],
  ['proxyProtocol', 'trustedProxies'],
  ['accessLogSample', 'accessLog'],
];
/** As if the setting were not there. */
const OFF: readonly unknown[] = [undefined, null, false, 0];

function findLonely(read: Partial<Record<SettingName, unknown>>): string[] {
  const isGiven = (name: SettingName) => !OFF.includes(read[name]);
  return PAIRS.filter(([one, other]) => isGiven(one) && !isGiven(other)).map(
    ([one, other]) => `${flagOf(one)}: found it alone, expected ${flagOf(other)} beside it`,
  );
}
