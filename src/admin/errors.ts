// What goes wrong in an admin server: answers to the client, and the refusal to start.

export type AdminErrorCode = 'admin-port-taken' | 'admin-port-refused' | 'admin-listen-failed';

/** The server could not start. */
export class AdminError extends Error {
  readonly code: AdminErrorCode;
  readonly disposition = 'invalid';

  constructor(code: AdminErrorCode, message: string, cause: unknown) {
    super(message, { cause });
    this.name = 'AdminError';
    this.code = code;
  }
}

/** Says which address, why, and what to do. */
export function describeListenError(error: unknown, host: string, port: number): AdminError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const where = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  if (code === 'EADDRINUSE') {
    const message = `cannot listen on ${where}: something else does; stop it, or give another address with --admin`;
    return new AdminError('admin-port-taken', message, error);
  }
  if (code === 'EACCES') {
    const message = `may not listen on ${where}: give a port from 1024 on with --admin`;
    return new AdminError('admin-port-refused', message, error);
  }
  const reason = error instanceof Error ? error.message : String(error);
  const message = `cannot listen on ${where}: ${reason}; give an address of this machine with --admin`;
  return new AdminError('admin-listen-failed', message, error);
}

/** An answer other than success: a status, a constant word, a sentence. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.name = 'Refusal';
    this.status = status;
    this.code = code;
  }
}
