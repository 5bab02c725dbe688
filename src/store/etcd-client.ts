// Builds one etcd3 client for one endpoint, with the channel options that its pitfalls ask for, and no retries or
// circuit breakers of its own: `etcd-calls` decides those. Does not keep or share clients.
import { rootCertificates } from 'node:tls';
import { Etcd3, type IOptions } from 'etcd3';
import { StoreError } from './errors.ts';

export interface EtcdOptions {
  /** `http://host:port`, `https://host:port`, or `host:port`; at least one; not both schemes. */
  readonly endpoints: readonly string[];
  readonly user?: string;
  readonly password?: string;
  /** PEM. A client certificate needs its key. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** Of one unary call, all its attempts together. 5 s by default. */
  readonly timeoutMs?: number;
}

/** Without `use_local_subchannel_pool` a "fresh" client shares the stuck connection of the old one. */
const CHANNEL = {
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 3_000,
  'grpc.keepalive_permit_without_calls': 0,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2_000,
  'grpc.max_receive_message_length': -1,
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_http_proxy': 0,
} as const;

type Policy = NonNullable<NonNullable<IOptions['faultHandling']>['global']>;

/** Runs the call once and reports nothing. `_altReturn` exists in the type only. */
const ONCE: Policy = {
  get _altReturn(): never {
    throw new Error('`_altReturn` is a type, not a value');
  },
  onSuccess: () => ({ dispose: () => undefined }),
  onFailure: () => ({ dispose: () => undefined }),
  execute: async (fn, signal = new AbortController().signal) => fn({ signal }),
};

/** Refuses options that could not work, before anything is connected. */
export function checkEtcdOptions(options: EtcdOptions): void {
  const { endpoints, user, password, ca, cert, key } = options;
  const refuse = (problem: string): never => {
    throw new StoreError('store-refused', problem);
  };
  if (endpoints.length === 0) refuse('no etcd endpoint is given: name at least one');
  for (const endpoint of endpoints) {
    if (!/^(?:https?:\/\/)?(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):\d{1,5}\/?$/.test(endpoint)) {
      refuse(`etcd endpoint \`${endpoint}\` is not of the form http://host:port or https://host:port`);
    }
  }
  const secure = endpoints.filter((endpoint) => endpoint.startsWith('https://')).length;
  if (secure > 0 && secure < endpoints.length) refuse('etcd endpoints mix http and https: use one of them');
  if (secure === 0 && (ca ?? cert ?? key) !== undefined) {
    refuse('etcd certificates are given, but the endpoints are not https://: change the endpoints');
  }
  if ((cert === undefined) !== (key === undefined))
    refuse('an etcd client certificate needs its key: give both');
  if ((user === undefined) !== (password === undefined)) refuse('an etcd user needs a password: give both');
}

/** `timeoutMs` bounds each unary call, authentication included; streams have no deadline. */
export function buildClient(options: EtcdOptions, endpoint: string, timeoutMs: number): Etcd3 {
  const { user, password } = options;
  return new Etcd3({
    hosts: endpoint.replace(/\/$/, ''),
    grpcOptions: CHANNEL,
    ...(endpoint.startsWith('https://') ? { credentials: buildCredentials(options) } : {}),
    ...(user !== undefined && password !== undefined ? { auth: { username: user, password } } : {}),
    defaultCallOptions: ({ isStream }) => (isStream ? {} : { deadline: Date.now() + timeoutMs }),
    faultHandling: { global: ONCE, host: () => ONCE },
  });
}

function buildCredentials({ ca, cert, key }: EtcdOptions): NonNullable<IOptions['credentials']> {
  return {
    rootCertificate: Buffer.from(ca ?? rootCertificates.join('\n')),
    ...(cert !== undefined && key !== undefined
      ? { certChain: Buffer.from(cert), privateKey: Buffer.from(key) }
      : {}),
  };
}
