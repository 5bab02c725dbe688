// Every key of ours in the store: how it is built, and what a key found there is. Knows no values.
// `P` is the prefix, `/slipway` by default; configuration for containers lives below roots of its own.

export const DEFAULT_PREFIX = '/slipway';

/** Set aside for the configuration of containers, by parameter, environment, secret and flag: only backed up so far. */
export const CONFIGURATION_ROOTS = ['/app/', '/env/', '/secrets/', '/feature/'] as const;

const SERVICE_NAME = /^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/;
const PREFIX = /^(?:\/[A-Za-z0-9._-]+)+$/;
const NUMBER = /^[1-9][0-9]{0,14}$/;

/** A DNS label, 1 to 40 characters of `a-z0-9-`, no hyphen at either end. */
export function isServiceName(name: string): boolean {
  return SERVICE_NAME.test(name);
}

/** Segments after slashes, no slash at the end: `/slipway`, `/team-a/slipway`. */
export function isPrefix(prefix: string): boolean {
  return PREFIX.test(prefix);
}

export type Keys = ReturnType<typeof buildKeys>;

/** All keys under one prefix. */
export function buildKeys(prefix: string) {
  const services = `${prefix}/services/`;
  const below = (service: string, rest: string): string => `${services}${service}/${rest}`;
  return {
    prefix,
    /** With the slash: what a mirror of everything lists and watches. */
    root: `${prefix}/`,
    services,
    service: (service: string) => below(service, ''),
    spec: (service: string) => below(service, 'spec'),
    version: (service: string) => below(service, 'version'),
    weights: (service: string) => below(service, 'weights'),
    command: (service: string) => below(service, 'command'),
    status: (service: string) => below(service, 'status'),
    rollout: (service: string) => below(service, 'rollout'),
    serviceFreeze: (service: string) => below(service, 'freeze'),
    revisions: (service: string) => below(service, 'revisions/'),
    revision: (service: string, number: number) => below(service, `revisions/${number}`),
    histories: (service: string) => below(service, 'history/'),
    history: (service: string, rollout: string) => below(service, `history/${rollout}`),
    quarantines: (service: string) => below(service, 'quarantine/'),
    quarantine: (service: string, digest: string) => below(service, `quarantine/${digest}`),
    freeze: `${prefix}/freeze`,
    routes: `${prefix}/routes/`,
    route: (service: string) => `${prefix}/routes/${service}`,
    proxies: `${prefix}/proxies/`,
    proxy: (id: string) => `${prefix}/proxies/${id}`,
    leader: `${prefix}/controller/leader`,
  } as const;
}

export type ServiceKeyKind =
  | 'spec'
  | 'version'
  | 'weights'
  | 'command'
  | 'status'
  | 'rollout'
  | 'service-freeze';

export type KeyShape =
  | { readonly kind: ServiceKeyKind; readonly service: string }
  | { readonly kind: 'revision'; readonly service: string; readonly number: number }
  | { readonly kind: 'history'; readonly service: string; readonly rollout: string }
  | { readonly kind: 'quarantine'; readonly service: string; readonly digest: string }
  | { readonly kind: 'route'; readonly service: string }
  | { readonly kind: 'proxy'; readonly id: string }
  | { readonly kind: 'freeze' }
  | { readonly kind: 'leader' }
  /** `service` is set when the key at least names a proper service: its status can then tell of it. */
  | { readonly kind: 'unknown'; readonly service: string | null; readonly problem: string };

const SINGLE_KEYS: Readonly<Record<string, ServiceKeyKind>> = {
  spec: 'spec',
  version: 'version',
  weights: 'weights',
  command: 'command',
  status: 'status',
  rollout: 'rollout',
  freeze: 'service-freeze',
};

/** What a key under the prefix is; total, never throws. */
export function classifyKey(prefix: string, key: string): KeyShape {
  if (!key.startsWith(`${prefix}/`)) return unknown(`not below ${prefix}/`);
  const [first = '', ...rest] = key.slice(prefix.length + 1).split('/');
  const tail = rest.join('/');
  switch (first) {
    case 'services':
      return classifyServiceKey(rest);
    case 'routes':
      return isServiceName(tail) ? { kind: 'route', service: tail } : unknown(badName(tail));
    case 'proxies':
      return rest.length === 1 && tail !== '' ? { kind: 'proxy', id: tail } : unknown('not a proxy id');
    case 'freeze':
      return rest.length === 0 ? { kind: 'freeze' } : unknown('nothing belongs below `freeze`');
    case 'controller':
      return tail === 'leader' ? { kind: 'leader' } : unknown('only `leader` belongs below `controller`');
    default:
      return unknown(`\`${first}\` is not a kind of key`);
  }
}

function classifyServiceKey([service = '', name = '', ...rest]: readonly string[]): KeyShape {
  if (!isServiceName(service)) return unknown(badName(service));
  const tail = rest.join('/');
  const single = Object.hasOwn(SINGLE_KEYS, name) ? SINGLE_KEYS[name] : undefined;
  if (single && rest.length === 0) return { kind: single, service };
  switch (name) {
    case 'revisions':
      if (NUMBER.test(tail)) return { kind: 'revision', service, number: Number(tail) };
      return unknown(`\`${tail}\` is not a revision number`, service);
    case 'history':
      if (tail !== '') return { kind: 'history', service, rollout: tail };
      return unknown('a history key ends in a rollout id', service);
    case 'quarantine':
      if (tail !== '') return { kind: 'quarantine', service, digest: tail };
      return unknown('a quarantine key ends in a digest', service);
    default:
      return unknown(`a service has no key \`${[name, ...rest].join('/')}\``, service);
  }
}

function badName(name: string): string {
  return `\`${name}\` is not a service name: 1 to 40 of a-z, 0-9 and -, no - at either end`;
}

function unknown(problem: string, service: string | null = null): KeyShape {
  return { kind: 'unknown', service, problem };
}
