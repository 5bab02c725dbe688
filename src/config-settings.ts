// The catalogue of settings: what each is called, means and defaults to, and which command takes which. A setting's
// flag and variable follow from its name. Pure data; `config` reads values against it.

interface Setting {
  /** What stands after the flag in the help; null for a switch. */
  readonly placeholder: string | null;
  readonly text: string;
  readonly byDefault?: string;
  /** May be given more than once; its variable is comma-separated. */
  readonly isList?: boolean;
}

export const SETTINGS = {
  etcd: {
    placeholder: '<urls>',
    text: 'etcd endpoints, comma-separated; `embedded` is http://127.0.0.1:2379, which `serve` starts itself if nothing answers there',
    byDefault: 'embedded',
  },
  etcdUser: { placeholder: '<name>', text: 'user name for an etcd with authentication' },
  etcdPasswordFile: { placeholder: '<file>', text: "file with that user's password" },
  etcdCa: { placeholder: '<file>', text: 'certificate authority that signed the certificate of etcd (PEM)' },
  etcdCert: { placeholder: '<file>', text: 'client certificate for etcd (PEM)' },
  etcdKey: { placeholder: '<file>', text: "the client certificate's key (PEM)" },
  prefix: { placeholder: '<key>', text: 'prefix of every key', byDefault: '/slipway' },
  environment: { placeholder: '<name>', text: 'not available yet: refused' },
  docker: {
    placeholder: '<address>',
    text: "the engine's address (default: DOCKER_HOST, or the local socket)",
  },
  http: { placeholder: '<address>', text: 'where the proxy takes requests', byDefault: ':8080' },
  https: {
    placeholder: '<address>',
    text: 'where the proxy takes requests over TLS; none by default; needs --tls-dir',
  },
  tlsDir: {
    placeholder: '<directory>',
    text: 'certificates for --https, watched: NAME.crt and NAME.key (PEM); default.crt for unknown hosts',
  },
  httpsRedirect: {
    placeholder: null,
    text: 'send requests without TLS to --https (308), for hosts that have a certificate',
    byDefault: 'false',
  },
  hsts: {
    placeholder: '<seconds>',
    text: 'Strict-Transport-Security on answers over TLS that have none; 0: not',
    byDefault: '0',
  },
  maxConnections: {
    placeholder: '<count>',
    text: 'connections of clients to the proxy, all workers together; more are closed at once',
    byDefault: '20000',
  },
  maxConnectionsPerAddress: {
    placeholder: '<count>',
    text: 'connections of one client address; more are closed at once; 0: no limit',
    byDefault: '0',
  },
  trustedProxies: {
    placeholder: '<networks>',
    text: 'proxies before this one whose word on the client is taken: addresses or networks, comma-separated; none by default',
  },
  proxyProtocol: {
    placeholder: null,
    text: 'connections begin with a header of the PROXY protocol, 1 or 2; only --trusted-proxies may connect then',
    byDefault: 'false',
  },
  accessLog: {
    placeholder: null,
    text: 'write a line of JSON for each request to standard output, when it has ended',
    byDefault: 'false',
  },
  accessLogSample: {
    placeholder: '<share>',
    text: 'of the requests that went well, the share that --access-log writes, 0 to 1; all by default',
  },
  admin: {
    placeholder: '<address>',
    text: 'admin server: health, metrics, API; `proxy` listens on 127.0.0.1:9181 by default',
    byDefault: '127.0.0.1:9180',
  },
  proxyAdmin: {
    placeholder: '<address>',
    text: 'admin server of the proxy process that is started beside the controller',
    byDefault: '127.0.0.1:9181',
  },
  drain: {
    placeholder: '<duration>',
    text: 'how long what is open may take to end when the proxy stops; when it hands over, the window over which WebSockets and event streams end',
    byDefault: '30s',
  },
  workers: { placeholder: '<count>', text: 'worker processes of the proxy', byDefault: '1' },
  noProxy: { placeholder: null, text: 'start no proxy process: one runs elsewhere', byDefault: 'false' },
  logLevel: { placeholder: '<level>', text: 'debug, info, warn, error or silent', byDefault: 'info' },
  dataDir: {
    placeholder: '<directory>',
    text: 'embedded etcd, snapshots (default: /var/lib/slipway as root, else ~/.local/share/slipway)',
  },
  adminTokenFile: {
    placeholder: '<file>',
    text: 'file with the bearer token for changes over the admin server; without it they are refused',
  },
  allowMount: {
    placeholder: '<path>',
    text: 'a host directory that specs may mount; repeatable; none by default',
    isList: true,
  },
  allowRegistry: {
    placeholder: '<host>',
    text: 'a registry that images may come from; repeatable; all by default',
    isList: true,
  },
  reach: {
    placeholder: '<how>',
    text: 'how containers are reached: direct (their own address), loopback (a published port), or auto',
    byDefault: 'auto',
  },
  leaderTtl: { placeholder: '<duration>', text: 'how soon another controller takes over', byDefault: '10s' },
  id: {
    placeholder: '<name>',
    text: 'name of this proxy below <prefix>/proxies/ (default: derived from host and port)',
  },
  table: { placeholder: '<file>', text: 'serve the routing table in this file, watched, with no etcd' },
  snapshot: {
    placeholder: '<file>',
    text: 'where the last routing table is kept, to start from while etcd is away (default: below the data directory)',
  },
  output: { placeholder: '<format>', text: 'text or json', byDefault: 'text' },
  timeout: { placeholder: '<duration>', text: 'longest wait', byDefault: '10m' },
} satisfies Readonly<Record<string, Setting>>;

export type SettingName = keyof typeof SETTINGS;

export const CLIENT_SETTINGS = [
  'etcd',
  'etcdUser',
  'etcdPasswordFile',
  'etcdCa',
  'etcdCert',
  'etcdKey',
  'prefix',
] as const satisfies readonly SettingName[];

export const PROXY_SETTINGS = [
  'http',
  'https',
  'tlsDir',
  'httpsRedirect',
  'hsts',
  'maxConnections',
  'maxConnectionsPerAddress',
  'trustedProxies',
  'proxyProtocol',
  'accessLog',
  'accessLogSample',
  'admin',
  'workers',
  'drain',
  'id',
  'table',
  'snapshot',
  'dataDir',
  'logLevel',
  ...CLIENT_SETTINGS,
] as const satisfies readonly SettingName[];

export const SERVE_SETTINGS = [
  'http',
  'https',
  'tlsDir',
  'httpsRedirect',
  'hsts',
  'maxConnections',
  'maxConnectionsPerAddress',
  'trustedProxies',
  'proxyProtocol',
  'accessLog',
  'accessLogSample',
  'admin',
  'proxyAdmin',
  'workers',
  'drain',
  'noProxy',
  'dataDir',
  'docker',
  'environment',
  'adminTokenFile',
  'allowMount',
  'allowRegistry',
  'reach',
  'leaderTtl',
  'logLevel',
  ...CLIENT_SETTINGS,
] as const satisfies readonly SettingName[];

export function describeSetting(name: SettingName): Setting {
  return SETTINGS[name];
}

export function isSettingName(text: string): text is SettingName {
  return Object.hasOwn(SETTINGS, text);
}

export function flagOf(name: SettingName): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

export function variableOf(name: SettingName): string {
  return `SLIPWAY_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

/** Sorted. */
export function listVariables(): readonly string[] {
  return Object.keys(SETTINGS).filter(isSettingName).map(variableOf).sort();
}
