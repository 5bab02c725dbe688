// The container part of a spec: what the engine is told at create. With image, port and health check it makes a revision.
import { isIP } from 'node:net';
import * as z from 'zod';
import type { ContainerSettings } from '../../strategies/spec.ts';
import {
  addIssue,
  bool,
  command,
  duration,
  field,
  integer,
  list,
  Refusal,
  refused,
  section,
  size,
  text,
} from './fields.ts';
import { capability, cpus, restart, stopSignal, ulimits } from './limits.ts';
import { textMap } from './maps.ts';
import { volumes } from './volumes.ts';

const environment = textMap({
  expected: 'a map, or a list of NAME=value',
  separator: '=',
  refuse: (name) => (/[=\0]/.test(name) ? 'a name without = in it' : null),
});

const labels = textMap({
  expected: 'a map, or a list of name=value',
  separator: '=',
  refuse: (name) =>
    name.startsWith('slipway.') ? "another name: `slipway.` is for Slipway's own labels" : null,
  empty: '',
});

const hosts = textMap({
  expected: 'a map of name and address, or a list of name:address',
  separator: ':',
  refuse: (name) => (/^[A-Za-z0-9_.-]+$/.test(name) ? null : 'a host name'),
});

const extraHosts = hosts
  .superRefine((map, context) => {
    for (const [name, address] of Object.entries(map)) {
      if (address === 'host-gateway' || isIP(address) > 0) continue;
      addIssue(context, [], `${name} at ${JSON.stringify(address)}`, 'an IP address, or host-gateway');
    }
  })
  .transform((map) => Object.entries(map).map(([name, address]) => `${name}:${address}`));

const user = field<string>('a user name or id, with :group if wanted', (raw) => {
  const name = typeof raw === 'number' ? String(raw) : raw;
  return typeof name === 'string' && /^[\w.-]+(:[\w.-]+)?$/.test(name) ? name : refused;
});

/** A list of names, or Compose's map of names without settings of their own. */
const networks = field<readonly string[]>('a list of network names', (raw) => {
  const names = readNetworks(raw);
  if (names === undefined || names.some((name) => !/^[A-Za-z0-9][\w.-]*$/.test(name))) return refused;
  const special = names.find((name) => name === 'host' || name === 'none');
  if (special !== undefined)
    return new Refusal(`the network ${special}`, 'a network that the proxy can reach');
  return new Set(names).size === names.length ? names : new Refusal('a name twice', 'each network once');
});

function readNetworks(raw: unknown): readonly string[] | undefined {
  if (Array.isArray(raw)) return raw.every((name) => typeof name === 'string') ? raw : undefined;
  if (typeof raw !== 'object' || raw === null) return undefined;
  return Object.values(raw).every((value) => value === null) ? Object.keys(raw) : undefined;
}

/** `/run`, or `/run:size=64m,mode=1777`; one text or a list. */
const tmpfs = z
  .unknown()
  .transform((raw) => (typeof raw === 'string' ? [raw] : raw))
  .pipe(list(text('a path such as /run, options after a colon', /^\/[^:\s]*(:\S+)?$/)));

const logging = section({
  driver: text('the name of a log driver', /^[a-z0-9][\w./:-]*$/).default('json-file'),
  options: textMap({ expected: 'a map', separator: null, refuse: () => null }).default({}),
});

const texts = list(text('a text', /./));

export const containerShape = {
  environment: environment.default({}),
  labels: labels.default({}),
  command: command.optional(),
  entrypoint: command.optional(),
  user: user.optional(),
  working_dir: text('an absolute path', /^\//).optional(),
  volumes: volumes.default([]),
  networks: networks.default([]),
  init: bool.optional(),
  read_only: bool.optional(),
  cap_drop: list(capability).default([]),
  cap_add: list(capability).default([]),
  security_opt: texts.default([]),
  tmpfs: tmpfs.default([]),
  ulimits: ulimits.default({}),
  extra_hosts: extraHosts.default([]),
  cpus: cpus.optional(),
  mem_limit: size(6 * 1024 ** 2, 'at least 6m').optional(),
  pids_limit: field<number>('an integer above zero, or -1 for no limit', (raw) =>
    raw === -1 || (Number.isSafeInteger(raw) && Number(raw) > 0) ? Number(raw) : refused,
  ).optional(),
  shm_size: size(1, 'above zero').optional(),
  stop_signal: stopSignal.optional(),
  stop_grace_period: duration().default(10_000),
  restart: restart.default('unless-stopped'),
  logging: logging.optional(),
};

export const port = integer(1, 65_535);

const containerSection = z.object(containerShape);

export function buildContainer(raw: z.output<typeof containerSection>): ContainerSettings {
  return omitAbsent({
    environment: raw.environment,
    labels: raw.labels,
    command: raw.command,
    entrypoint: raw.entrypoint,
    user: raw.user,
    workingDir: raw.working_dir,
    volumes: raw.volumes,
    networks: raw.networks,
    init: raw.init,
    readOnly: raw.read_only,
    capDrop: raw.cap_drop,
    capAdd: raw.cap_add,
    securityOpt: raw.security_opt,
    tmpfs: raw.tmpfs,
    ulimits: raw.ulimits,
    extraHosts: raw.extra_hosts,
    cpus: raw.cpus,
    memLimitBytes: raw.mem_limit,
    pidsLimit: raw.pids_limit,
    shmSizeBytes: raw.shm_size,
    stopSignal: raw.stop_signal,
    stopGracePeriodMs: raw.stop_grace_period,
    restart: raw.restart,
    logging: raw.logging,
  });
}

type Present<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** Without the keys whose value is undefined, so that an absent field and an unwritten one hash alike. */
export function omitAbsent<T extends object>(value: T): Present<T> {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as Present<T>;
}
