// One small request through a proxy, its whole answer, and whether all is as it should be.
import {
  type Agent,
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
  request,
} from 'node:http';
import { request as requestSecure } from 'node:https';

/** Where requests go: a proxy on this machine, and the host that they ask for. */
export interface LoadTarget {
  readonly port: number;
  readonly host: string;
  /** Over TLS, whoever has signed the certificate. */
  readonly isSecure?: boolean;
}

/** A request to the target, its name given to TLS as well. */
export function openRequest(
  { port, host, isSecure = false }: LoadTarget,
  options: RequestOptions,
  read: (response: IncomingMessage) => void,
): ClientRequest {
  const to = { host: '127.0.0.1', port, ...options };
  if (!isSecure) return request(to, read);
  return requestSecure({ ...to, servername: host, rejectUnauthorized: false }, read);
}

export interface Shot extends LoadTarget {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body: string;
  /** False: on a connection of its own. */
  readonly agent: Agent | false;
  /** The test image remembers which ids have reached it. */
  readonly id?: string;
}

export interface Answer {
  readonly version: string | null;
  /** Null when all is as it should be. */
  readonly problem: string | null;
  /** On a connection that had carried another one before. */
  readonly isReused: boolean;
}

/** Requests may be parked for long; one that takes longer than this is lost. */
const REQUEST_TIMEOUT_MS = 240_000;

/** Never throws. */
export function exchange(shot: Shot): Promise<Answer> {
  const { host, method, path, body, agent } = shot;
  const options = { method, path, agent, timeout: REQUEST_TIMEOUT_MS };
  return new Promise((resolve) => {
    const sent = openRequest(shot, { ...options, headers: composeHeaders(shot, host) }, (response) => {
      const version = response.headers['x-version'];
      const given = typeof version === 'string' ? version : null;
      const settle = (problem: string | null): void =>
        resolve({ version: given, problem, isReused: sent.reusedSocket });
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('end', () => {
        const text = Buffer.concat(pieces).toString();
        settle(judge(shot, response.statusCode ?? 0, response.headers, text));
      });
      response.on('error', (error) => settle(`cut off: ${error.message}`));
    });
    sent.on('timeout', () => sent.destroy(new Error(`no answer in ${REQUEST_TIMEOUT_MS} ms`)));
    sent.on('error', (error) => {
      resolve({ version: null, problem: describeError(error), isReused: sent.reusedSocket });
    });
    sent.end(body);
  });
}

function composeHeaders({ method, body, id }: Shot, host: string): Record<string, string | number> {
  return {
    host,
    ...(id === undefined ? {} : { 'x-load-id': id }),
    ...(method === 'POST' ? { 'content-length': Buffer.byteLength(body) } : {}),
  };
}

/** The test image says `x-state` and echoes on `/echo`; another service that says nothing is taken as ready. */
function judge(
  shot: Shot,
  status: number,
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  text: string,
): string | null {
  if (status !== 200) return `status ${status}: ${text.trim().slice(0, 120)}`;
  const state = headers['x-state'] ?? 'ready';
  if (state !== 'ready') return `reached a replica that is ${String(state)}`;
  if (shot.path === '/echo' && text !== shot.body) return 'the body came back changed';
  return null;
}

function describeError(error: Error): string {
  return 'code' in error ? `${String(error.code)}: ${error.message}` : error.message;
}
