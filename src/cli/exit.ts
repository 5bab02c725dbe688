// How a command ends: the exit codes as docs/cli.md has them, and the error that carries one of them to `main`.
import type { Outcome } from '../../strategies/model.ts';

export const EXIT = {
  done: 0,
  failed: 1,
  invalid: 2,
  rolledBack: 3,
  superseded: 4,
  timedOut: 5,
  refused: 6,
  aborted: 7,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const EXIT_OF_OUTCOME = {
  succeeded: EXIT.done,
  failed: EXIT.failed,
  'rolled-back': EXIT.rolledBack,
  superseded: EXIT.superseded,
  aborted: EXIT.aborted,
} as const satisfies Record<Outcome, ExitCode>;

/** Ends a command. The message says what, on what, and the next move; it goes to stderr. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  readonly code = 'command-failed';
  readonly disposition = 'invalid';
  readonly exit: ExitCode;

  constructor(exit: ExitCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.exit = exit;
  }
}
