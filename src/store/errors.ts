// The store's one error: a code, what the loop does about it, and the cause. Every message ends with the next move.

/** See the dispositions of the reconciler: `transient` is retried, `invalid` waits for a person, `conflict` reads again. */
export type StoreDisposition = 'transient' | 'conflict' | 'invalid' | 'cancelled' | 'bug';

export type StoreErrorCode = keyof typeof dispositions;

const dispositions = {
  'store-unavailable': 'transient',
  'store-timeout': 'transient',
  'store-watch-lost': 'transient',
  'store-compacted': 'conflict',
  'store-lease-lost': 'conflict',
  'store-full': 'invalid',
  'store-unauthenticated': 'invalid',
  'store-forbidden': 'invalid',
  'store-refused': 'invalid',
  'store-embedded-failed': 'invalid',
  'store-restored': 'invalid',
  'store-closed': 'cancelled',
  'store-not-leading': 'cancelled',
  'store-broken': 'bug',
} as const satisfies Record<string, StoreDisposition>;

export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;
  readonly disposition: StoreDisposition;

  constructor(code: StoreErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.disposition = dispositions[code];
  }
}

/** Every code that can occur: for the documents and the test that keeps them in step. */
export const storeErrorCodes = Object.keys(dispositions) as readonly StoreErrorCode[];
