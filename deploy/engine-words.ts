// What dockerd and podman say, as an ordered table: first match wins. The engine's API has few status codes
// and many messages, so the message decides where the code does not. Pure; grows by a row and its case in the test.
import { type FailureCode, messageOf, RuntimeFailure } from './errors.ts';

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
  // Two controllers have created it at once: the next try takes one of the two away.
  [/network \S+ is ambiguous/i, 'engine-error'],
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
    /OCI runtime|(?<![^\s"(])(runc|crun)[: ]|executable file not found|exec format error|failed to create (shim )?task/i,
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
