// What registries and engines say of a pull that failed, as an ordered table: first match wins. The reference that was
// asked for is taken out of the text first, for a tag may be called 429 and a repository timeout. Pure; grows by a row and
// its case in the test.
import type { PullFailureKind } from '../strategies/model.ts';
import { RuntimeFailure } from './errors.ts';
import { imageKey } from './repository.ts';

const PULL_WORDS: readonly (readonly [RegExp, PullFailureKind])[] = [
  [/\btoomanyrequests\b|\btoo many requests\b|\brate limit|\b(status|HTTP)\b.*\b429\b/i, 'rate-limit'],
  [/no space left on device|disk quota exceeded|not enough space/i, 'space'],
  [/may require 'docker login'/i, 'missing'],
  [
    /no basic auth|\bunauthorized\b|authentication required|incorrect username or password/i,
    'authentication',
  ],
  [
    /requested access to the resource is denied|access (forbidden|denied)|\bdenied:|\b(status|HTTP)\b.*\b40[13]\b/i,
    'authentication',
  ],
  [/manifest unknown|name unknown|repository name not known|\btag .*not found|no such image/i, 'missing'],
  [
    /manifest for .* not found|does not exist|no matching manifest|image not known|: not found|\b(status|HTTP)\b.*\b404\b/i,
    'missing',
  ],
  [/\bx509\b|\bcertificate\b|\btls:|server gave HTTP response to HTTPS client/i, 'network'],
  [/no such host|\blookup .* on |temporary failure in name resolution|server misbehaving/i, 'network'],
  [/connection (refused|reset|timed out)|no route to host|network is unreachable|broken pipe/i, 'network'],
  [
    /\btimeout\b|deadline exceeded|\bEOF\b|request canceled|\bECONN|\bEPIPE\b|\baborted\b|socket hang up/i,
    'network',
  ],
  [/\b(status|HTTP)\b.*\b5\d\d\b|blob upload|filesystem layer verification failed/i, 'network'],
  [/invalid reference format|invalid tag|unsupported/i, 'refused'],
];

/** What the engine's own status means where the words are not known. */
const PULL_STATUS: ReadonlyMap<number, PullFailureKind> = new Map([
  [401, 'authentication'],
  [403, 'authentication'],
  [404, 'missing'],
  [429, 'rate-limit'],
]);

/** What was asked for. */
export interface Pulled {
  readonly image: string;
  readonly version: string;
}

/** The kind of a failed pull, from the registry's or the engine's own words, or the engine's status. */
export function classifyPullMessage(
  message: string,
  pulled: Pulled | null = null,
  status: number | null = null,
): PullFailureKind {
  const words = pulled === null ? message : hideReference(message, pulled);
  const known = PULL_WORDS.find(([pattern]) => pattern.test(words))?.[1];
  return known ?? PULL_STATUS.get(status ?? 0) ?? 'unknown';
}

export function toPullFailure(
  message: string,
  pulled: Pulled,
  from: { readonly cause?: unknown; readonly status?: number | null } = {},
): RuntimeFailure {
  return new RuntimeFailure('image-pull', `${imageKey(pulled.image, pulled.version)}: ${message}`, {
    cause: from.cause,
    pull: classifyPullMessage(message, pulled, from.status ?? null),
  });
}

/** Registry, path and version, where they stand as names: whole, or between slashes, quotes, blanks and colons. */
function hideReference(message: string, { image, version }: Pulled): string {
  const [first = '', ...rest] = image.split('/');
  const path = rest.length > 0 && /[.:]|^localhost$/.test(first) ? rest.join('/') : image;
  const names = [image, first === path ? '' : first, path].filter((name) => name !== '');
  const inText = names.map(quote).join('|');
  return message
    .replace(new RegExp(`([:/@]|\\btag )${quote(version)}(?![\\w.-])`, 'g'), '$1…')
    .replace(new RegExp(`(?<![\\w.-])(?:${inText})(?![\\w.-])`, 'g'), '…');
}

function quote(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
