// The one error that leaves the engine's side: coded, with what the loop does about it. Recognising the engine's words is
// the job of `engine-words`; nothing here looks at a message.
import type { PullFailureKind, Reason } from '../strategies/model.ts';

export type Disposition = 'invalid' | 'transient' | 'conflict' | 'missing' | 'cancelled' | 'bug';

export type FailureCode =
  | 'name-conflict'
  | 'port-conflict'
  | 'network-missing'
  | 'no-space'
  | 'start-failed'
  | 'missing'
  | 'image-pull'
  | 'policy-refused'
  | 'invalid-request'
  | 'engine-unavailable'
  | 'engine-error'
  | 'timeout'
  | 'cancelled';

/** What the loop does, and the constant word that status and metrics show. */
const CODES = {
  'name-conflict': { disposition: 'conflict', reason: 'name-conflict' },
  'port-conflict': { disposition: 'transient', reason: 'port-conflict' },
  'network-missing': { disposition: 'transient', reason: 'network-missing' },
  'no-space': { disposition: 'transient', reason: 'no-space' },
  'start-failed': { disposition: 'transient', reason: 'container-start-failed' },
  missing: { disposition: 'missing', reason: 'engine-error' },
  'image-pull': { disposition: 'transient', reason: 'image-pull-failed' },
  'policy-refused': { disposition: 'invalid', reason: 'policy-refused' },
  'invalid-request': { disposition: 'invalid', reason: 'settings-refused' },
  'engine-unavailable': { disposition: 'transient', reason: 'engine-unavailable' },
  'engine-error': { disposition: 'transient', reason: 'engine-error' },
  timeout: { disposition: 'transient', reason: 'engine-unavailable' },
  cancelled: { disposition: 'cancelled', reason: 'engine-unavailable' },
} as const satisfies Record<FailureCode, { readonly disposition: Disposition; readonly reason: Reason }>;

export const FAILURE_CODES: readonly FailureCode[] = Object.keys(CODES).filter(isFailureCode);

function isFailureCode(word: string): word is FailureCode {
  return word in CODES;
}

export class RuntimeFailure extends Error {
  readonly code: FailureCode;
  /** Set when, and only when, the code is `image-pull`. */
  readonly pull: PullFailureKind | null;

  constructor(
    code: FailureCode,
    message: string,
    options: { readonly cause?: unknown; readonly pull?: PullFailureKind } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'RuntimeFailure';
    this.code = code;
    this.pull = code === 'image-pull' ? (options.pull ?? 'unknown') : null;
  }

  get disposition(): Disposition {
    return CODES[this.code].disposition;
  }

  get reason(): Reason {
    return CODES[this.code].reason;
  }
}

/** Whatever was thrown as a `RuntimeFailure`; anything else is an `engine-error` that keeps its cause. */
export function toRuntimeFailure(error: unknown, what: string): RuntimeFailure {
  if (error instanceof RuntimeFailure) return error;
  return new RuntimeFailure('engine-error', `${what}: ${messageOf(error)}`, { cause: error });
}

export function isMissing(error: unknown): boolean {
  return error instanceof RuntimeFailure && error.code === 'missing';
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
