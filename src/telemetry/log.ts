// The log: one JSON line per event, written before the call returns, so that none is lost at exit.
// The only importer of pino. Messages are constant texts; what varies goes into fields, and fields carry no secrets.
import { type DestinationStream, pino, stdTimeFunctions } from 'pino';
import { openLogStream } from './log-stream.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';
/** `error` may be anything that was thrown: its code, disposition and messages are kept, nothing else of it. */
export type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** The same log with these fields on every line. */
  with(fields: LogFields): Log;
}

/** A second fence: fields of these names are struck out wherever a caller nests them. */
const STRUCK = ['password', 'token', 'secret', 'secrets', 'environment', 'authorization'];

/** To standard error unless another stream is given. */
export function createLog(level: LogLevel, stream: DestinationStream = openLogStream()): Log {
  const options = {
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    messageKey: 'message',
    serializers: { error: describeThrown },
    redact: { paths: STRUCK.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '(struck out)' },
  };
  return wrap(pino(options, stream));
}

/** The access log: lines as above, each of them `request`. */
export function createAccessLog(stream: DestinationStream): (fields: LogFields) => void {
  const formatters = { level: (label: string) => ({ level: label }) };
  const logger = pino({ base: null, timestamp: false, formatters, messageKey: 'message' }, stream);
  return (fields) => logger.info(fields, 'request');
}

type Pino = ReturnType<typeof pino>;

function wrap(logger: Pino): Log {
  return {
    debug: (message, fields = {}) => logger.debug(fields, message),
    info: (message, fields = {}) => logger.info(fields, message),
    warn: (message, fields = {}) => logger.warn(fields, message),
    error: (message, fields = {}) => logger.error(fields, message),
    with: (fields) => wrap(logger.child(fields)),
  };
}

/** Errors of packages carry requests, sockets and buffers: only words are taken. The stack is kept for bugs alone. */
function describeThrown(thrown: unknown, depth = 0): unknown {
  if (!(thrown instanceof Error)) return String(thrown);
  const { code, disposition } = { code: undefined, disposition: undefined, ...thrown };
  const isOurs = typeof disposition === 'string';
  return {
    name: thrown.name,
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    ...(isOurs ? { disposition } : {}),
    message: thrown.message,
    ...(isOurs && disposition !== 'bug' ? {} : { stack: thrown.stack }),
    ...(thrown.cause !== undefined && depth < 4 ? { cause: describeThrown(thrown.cause, depth + 1) } : {}),
    ...(thrown instanceof AggregateError && depth < 4
      ? { errors: thrown.errors.slice(0, 8).map((each) => describeThrown(each, depth + 1)) }
      : {}),
  };
}
