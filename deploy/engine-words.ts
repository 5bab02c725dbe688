// What dockerd, podman and registries say, as ordered tables: first match wins. The engine's API has few status codes
// and many messages, so the message decides where the code does not. Pure; grows by a row and its case in the test.
import type { PullFailureKind } from '../strategies/model.ts';
import { type FailureCode, messageOf, RuntimeFailure } from './errors.ts';

const PULL_WORDS: readonly (readonly [RegExp, PullFailureKind])[] = [
  [/toomanyrequests|too many requests|rate limit|\b429\b/i, 'rate-limit'],
  [/no space left on device|disk quota exceeded|not enough space/i, 'space'],
  [/may require 'docker login'/i, 'missing'],
  [/no basic auth|unauthorized|authentication required|incorrect username or password/i, 'authentication'],
  [
    /requested access to the resource is denied|access (forbidden|denied)|denied:|\b40[13]\b/i,
    'authentication',
  ],
  [/manifest unknown|name unknown|repository name not known|tag .*not found|no such image/i, 'missing'],
  [
    /manifest for .* not found|does not exist|no matching manifest|image not known|: not found|\b404\b/i,
    'missing',
  ],
  [/\bx509\b|certificate|tls:|server gave HTTP response to HTTPS client/i, 'network'],
  [/no such host|lookup .* on |temporary failure in name resolution|server misbehaving/i, 'network'],
  [/connection (refused|reset|timed out)|no route to host|network is unreachable|broken pipe/i, 'network'],
  [
    /i\/o timeout|timeout|deadline exceeded|\bEOF\b|request canceled|ECONN|EPIPE|aborted|socket hang up/i,
    'network',
  ],
  [
    /received unexpected HTTP status: 5|\b50[0234]\b|blob upload|filesystem layer verification failed/i,
    'network',
  ],
  [/invalid reference format|invalid tag|unsupported/i, 'refused'],
];

/** The kind of a failed pull, from the registry's or the engine's own words. */
export function classifyPullMessage(message: string): PullFailureKind {
  return PULL_WORDS.find(([pattern]) => pattern.test(message))?.[1] ?? 'unknown';
}

const ENGINE_WORDS: readonly (readonly [RegExp, FailureCode])[] = [
  [/name .* is already in use|container name .* in use/i, 'name-conflict'],
  [/port is already allocated|address already in use|failed to bind (host )?port/i, 'port-conflict'],
  [/no space left on device|disk quota exceeded/i, 'no-space'],
  [
    /network \S+ not found|could not find.* network|unable to find network|network not found/i,
    'network-missing',
  ],
  [/no such image|image not known/i, 'missing'],
  // What the host lacks, in the midst of a start: it may pass.
  [/failed to initialize logging driver: .*(dial|lookup|timeout)/i, 'engine-error'],
  [/unable to (start unit|apply cgroup)|driver failed programming external connectivity/i, 'engine-error'],
  // What the spec asks for: no image is to blame, and asking again does not help.
  [
    /bind source path does not exist|invalid mount config|error while (mounting|creating mount)/i,
    'invalid-request',
  ],
  [/to rootfs at|apparmor|rlimit|container init was OOM-killed/i, 'invalid-request'],
  [/failed to initialize logging driver|(unknown|invalid) log opt|logger: no log driver/i, 'invalid-request'],
  [
    /Minimum memory limit|Range of CPUs|invalid .*(capability|ulimit|signal|user)|unknown capability/i,
    'invalid-request',
  ],
  [
    /OCI runtime|\b(runc|crun)\b|executable file not found|exec format error|failed to create (shim )?task/i,
    'start-failed',
  ],
  [/no command specified/i, 'start-failed'],
];

const STATUS_CODES: ReadonlyMap<number, FailureCode> = new Map([
  [400, 'invalid-request'],
  [404, 'missing'],
  [502, 'engine-unavailable'],
  [503, 'engine-unavailable'],
]);

const SOCKET_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOENT',
  'EACCES',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'ECONNABORTED',
  'HPE_INVALID_CONSTANT',
]);

/** The failure code of one engine reply or socket error. */
export function classifyEngineError(error: unknown): FailureCode {
  const status = statusOf(error);
  if (status === null) return isSocketError(error) ? 'engine-unavailable' : 'engine-error';
  const message = messageOf(error);
  const known = ENGINE_WORDS.find(([pattern]) => pattern.test(message))?.[1];
  return known ?? STATUS_CODES.get(status) ?? 'engine-error';
}

/** `what` says what was tried on what: `start web-r3-1`. */
export function toEngineFailure(error: unknown, what: string): RuntimeFailure {
  if (error instanceof RuntimeFailure) return error;
  const code = classifyEngineError(error);
  return new RuntimeFailure(code, `${what}: ${describeEngineError(error)}${NEXT_MOVE[code] ?? ''}`, {
    cause: error,
  });
}

export function toPullFailure(message: string, what: string, cause?: unknown): RuntimeFailure {
  return new RuntimeFailure('image-pull', `${what}: ${message}`, {
    cause,
    pull: classifyPullMessage(message),
  });
}

/** HTTP status of the engine's answer, or null when there was no answer. */
export function statusOf(error: unknown): number | null {
  if (typeof error !== 'object' || error === null || !('statusCode' in error)) return null;
  return typeof error.statusCode === 'number' ? error.statusCode : null;
}

export function isSocketError(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  return (typeof code === 'string' && SOCKET_CODES.has(code)) || /socket hang up/.test(messageOf(error));
}

/** docker-modem wraps the engine's words as `(HTTP code 404) no such container - … `; only the words are of use. */
export function describeEngineError(error: unknown): string {
  return messageOf(error)
    .replace(/^\(HTTP code \d+\) [^-]*- /, '')
    .trim();
}

const NEXT_MOVE: Partial<Record<FailureCode, string>> = {
  'engine-unavailable': '; is the engine running, and may this user open its socket?',
  'no-space': '; free space on the engine’s disk',
  'port-conflict': '; free the port or publish another',
};
