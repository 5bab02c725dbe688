// Every answer that the proxy gives in its own name: code, status, and the sentence for a person. Nothing else in the
// data plane makes up a status.
import { STATUS_CODES } from 'node:http';

interface Answer {
  readonly status: number;
  readonly message: string;
}

export const ANSWERS = {
  'https-only': { status: 308, message: 'This host is served over https.' },
  'bad-request': { status: 400, message: 'The request is not valid HTTP.' },
  'bad-version': { status: 400, message: 'Only HTTP/1.0 and HTTP/1.1 are spoken here.' },
  'bad-host': { status: 400, message: 'The request needs exactly one valid Host.' },
  'bad-framing': { status: 400, message: 'The length of the request body is ambiguous or not supported.' },
  'bad-target': { status: 400, message: 'The request target does not belong to this host.' },
  'no-tunnel': { status: 400, message: 'CONNECT is not supported.' },
  'no-route': { status: 404, message: 'No service is routed at this host and path.' },
  'request-timeout': { status: 408, message: 'The request did not arrive in time.' },
  'body-too-large': { status: 413, message: 'The request body is larger than this service takes.' },
  'expectation-failed': { status: 417, message: 'Only 100-continue can be expected.' },
  'header-too-large': { status: 431, message: 'The header of the request is too large.' },
  'internal-error': { status: 500, message: 'The proxy failed; its log says why.' },
  'no-upgrade': { status: 501, message: 'The service speaks HTTP/2, which has no Upgrade.' },
  'target-failed': { status: 502, message: 'The service closed the connection without a valid answer.' },
  'target-unreachable': { status: 502, message: 'No replica of the service takes connections.' },
  maintenance: { status: 503, message: 'The service is under maintenance.' },
  'no-target': { status: 503, message: 'No replica of the service is ready.' },
  'park-full': { status: 503, message: 'Too many requests wait for the service already.' },
  'park-timeout': { status: 503, message: 'No replica of the service got ready in time.' },
  'target-timeout': { status: 504, message: 'The service did not answer in time.' },
} as const satisfies Readonly<Record<string, Answer>>;

export type AnswerCode = keyof typeof ANSWERS;

/** Why a target failed a request: the label `reason` of `slipway_proxy_upstream_errors_total`. */
export type TargetError =
  | 'connect-refused'
  | 'connect-timeout'
  | 'connect-failed'
  | 'reset'
  | 'invalid-response'
  | 'timeout'
  | 'idle-timeout'
  | 'truncated';

export type TargetErrorCounts = Record<TargetError, number>;

/** Every reason with its number, so that none is forgotten. */
export function countTargetErrors(countOf: (reason: TargetError) => number): TargetErrorCounts {
  return {
    'connect-refused': countOf('connect-refused'),
    'connect-timeout': countOf('connect-timeout'),
    'connect-failed': countOf('connect-failed'),
    reset: countOf('reset'),
    'invalid-response': countOf('invalid-response'),
    timeout: countOf('timeout'),
    'idle-timeout': countOf('idle-timeout'),
    truncated: countOf('truncated'),
  };
}

/** Seconds after which trying again makes sense. */
const RETRY_AFTER_SECONDS = '1';

export interface ErrorBody {
  readonly status: number;
  /** Name, value, name, value, … */
  readonly headers: readonly string[];
  readonly body: string;
}

/** What is said in place of the sentence that goes with the code. */
export interface Notice {
  /** Empty: that sentence. */
  readonly message: string;
  /** It is HTML, for who accepts that. */
  readonly isPage: boolean;
  /** Seconds. */
  readonly retryAfter: string;
}

/** JSON for who accepts it, a page where there is one, otherwise text. */
export function describeError(
  code: AnswerCode,
  requestId: string,
  accept: string,
  notice: Notice | null = null,
): ErrorBody {
  const { status } = ANSWERS[code];
  const [type, body] = composeBody(code, requestId, accept, notice);
  const headers = [
    'Content-Type',
    type,
    'Content-Length',
    String(Buffer.byteLength(body)),
    'Cache-Control',
    'no-store',
    'X-Request-Id',
    requestId,
  ];
  if (status === 503) headers.push('Retry-After', notice?.retryAfter ?? RETRY_AFTER_SECONDS);
  return { status, headers, body };
}

function composeBody(
  code: AnswerCode,
  requestId: string,
  accept: string,
  notice: Notice | null,
): readonly [type: string, body: string] {
  const { status, message } = ANSWERS[code];
  const own = notice === null || notice.isPage ? '' : notice.message;
  if (accept.includes('json')) {
    const told = { error: code, message: own === '' ? message : own, request_id: requestId };
    return ['application/json', `${JSON.stringify(told)}\n`];
  }
  if (notice?.isPage === true && accept.includes('text/html'))
    return ['text/html; charset=utf-8', notice.message];
  const line = `${status} ${STATUS_CODES[status]}: ${message} (${code}, request ${requestId})`;
  return ['text/plain; charset=utf-8', `${own === '' ? line : own}\n`];
}

/** For a connection on which no request could be read. */
export function renderRawError(code: AnswerCode, requestId: string): string {
  const { status, headers, body } = describeError(code, requestId, '');
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, 'Connection: close'];
  for (let index = 0; index < headers.length; index += 2)
    lines.push(`${headers[index]}: ${headers[index + 1]}`);
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}
