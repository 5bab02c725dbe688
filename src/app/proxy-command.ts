// Command line and environment of the proxy beside a controller: what `slipway proxy` is to be started with, from the daemon's settings.
import { fileURLToPath } from 'node:url';
import type { ServeConfig } from '../config.ts';
import { EMBEDDED_ENDPOINT } from '../config-files.ts';
import { flagOf, type SettingName } from '../config-settings.ts';

/** Behind node's own name. */
export function composeProxyCommand(config: ServeConfig): readonly string[] {
  const values = {
    ...{ http: formatAddress(config.http), admin: formatAddress(config.proxyAdmin) },
    ...{ https: config.https === null ? null : formatAddress(config.https), tlsDir: config.tlsDir },
    maxConnections: String(config.maxConnections),
    maxConnectionsPerAddress: String(config.maxConnectionsPerAddress),
    trustedProxies: config.trustedProxies?.map(formatNetwork).join(',') ?? null,
    accessLogSample: config.accessLogSample === null ? null : String(config.accessLogSample),
    hsts: config.hsts === 0 ? null : String(config.hsts),
    ...{ workers: String(config.workers), drain: `${config.drain}ms`, prefix: config.prefix },
    etcd: config.etcd === 'embedded' ? EMBEDDED_ENDPOINT : config.etcd.join(','),
    ...{ dataDir: config.dataDir, logLevel: config.logLevel },
    ...{ etcdUser: config.etcdUser, etcdPasswordFile: config.etcdPasswordFile },
    ...{ etcdCa: config.etcdCa, etcdCert: config.etcdCert, etcdKey: config.etcdKey },
  } satisfies Partial<Record<SettingName, string | null>>;
  const flags = Object.entries(values).flatMap(([name, value]) =>
    value === null ? [] : [flagOf(name as SettingName), value],
  );
  const switches = (['httpsRedirect', 'proxyProtocol', 'accessLog'] as const)
    .filter((name) => config[name])
    .map(flagOf);
  return [...process.execArgv, findMain(), 'proxy', ...flags, ...switches];
}

/**
 * Without settings: the command line carries them all, and what a variable says of a proxy's id, table or snapshot is not
 * for this one. Its successors inherit the same.
 */
export function composeProxyEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('SLIPWAY_')));
}

function formatAddress({ host, port }: ServeConfig['http']): string {
  return `${host?.includes(':') ? `[${host}]` : (host ?? '')}:${port}`;
}

function formatNetwork({ address, prefix }: NonNullable<ServeConfig['trustedProxies']>[number]): string {
  return `${address}/${prefix}`;
}

// `main.ts` in a checkout, `main.js` in a build: beside this file's folder in both.
function findMain(): string {
  const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return fileURLToPath(new URL(`../main.${ending}`, import.meta.url));
}
