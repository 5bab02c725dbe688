// Turns what etcd3 and gRPC throw into `StoreError`: an ordered table, first match wins. Decides no retries.
import { StoreError, type StoreErrorCode } from './errors.ts';

const rules: readonly (readonly [RegExp, StoreErrorCode, string])[] = [
  [/required revision has been compacted/, 'store-compacted', 'list again'],
  [/requested lease not found|is expired or revoked/, 'store-lease-lost', 'grant a new lease'],
  [
    /database space exceeded|no space/i,
    'store-full',
    'etcd is full: `etcdctl compact`, `etcdctl defrag`, a larger --quota-backend-bytes if need be, then `etcdctl alarm disarm`',
  ],
  [/invalid auth token|revision of auth store is old/, 'store-unavailable', 'it is tried again'],
  [
    /authentication failed|user name is empty|authentication is not enabled|UNAUTHENTICATED/,
    'store-unauthenticated',
    'check the etcd user and its password',
  ],
  [/permission denied|PERMISSION_DENIED/, 'store-forbidden', "grant the key to the user's role"],
  [/client was already closed|CANCELLED|Cancelled on client/, 'store-closed', 'the client is closing'],
  [/DEADLINE_EXCEEDED|Deadline exceeded|request timed out/i, 'store-timeout', 'it is tried again'],
  [
    /UNAVAILABLE|ECONNREFUSED|No connection|Connection dropped|no leader|leader changed|stopped|too many requests/i,
    'store-unavailable',
    'it is tried again',
  ],
  [
    /INVALID_ARGUMENT|FAILED_PRECONDITION|OUT_OF_RANGE|UNIMPLEMENTED|etcdserver:/,
    'store-refused',
    'etcd does not accept this request',
  ],
];

/** `what` is the call and its key, such as `get /slipway/freeze`. */
export function toStoreError(error: unknown, what: string, endpoint: string): StoreError {
  if (error instanceof StoreError) return error;
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const [, code, next] = rules.find(([pattern]) => pattern.test(text)) ?? [
    null,
    'store-unavailable',
    'it is tried again',
  ];
  const detail = text.replace(/^Error: |^\w+Error: (?:\w+Error: )?/, '');
  return new StoreError(code, `etcd ${endpoint}: ${what}: ${detail}; ${next}`, error);
}

/** True when the request certainly never left: to send it again cannot do it twice. */
export function isNeverSent(error: StoreError): boolean {
  return /ECONNREFUSED|No connection established|Name resolution failed|invalid auth token/.test(
    error.message,
  );
}
