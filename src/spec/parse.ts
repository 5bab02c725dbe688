// One spec as text, as it stands in the store → the normalised spec, or everything that is wrong with it.
import type { ServiceSpec } from '../../strategies/spec.ts';
import { parseDocuments, type TextDocument } from './document.ts';
import { hashSettings } from './hash.ts';
import { listProblems } from './issues.ts';
import { makeProblem, type Problem } from './problem.ts';
import { specSchema } from './schema.ts';

export type SpecResult =
  | { readonly ok: true; readonly spec: ServiceSpec; readonly hash: string; readonly service: string | null }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Far above any real spec; reading one never keeps the daemon from its work. */
const MAX_LENGTH = 65_536;

/** `service` is the key's name: a text that names another one is refused. Total, never throws. */
export function parseSpec(text: string, service?: string): SpecResult {
  if (isTooLong(text)) return refuseLength(text, null);
  const read = parseDocuments(text);
  if (!read.ok) return read;
  const [document, second] = read.documents;
  if (document === undefined) return refuse('', null, 'an empty text', 'a spec, with at least `image`');
  if (second !== undefined) return refuse('', second.line([]), 'a second document', 'one spec in one key');
  const result = parseSpecDocument(document);
  if (!result.ok || service === undefined || result.service === null || result.service === service)
    return result;
  return refuse(
    'service',
    document.line(['service']),
    JSON.stringify(result.service),
    `${service}, as in the key`,
  );
}

/** One document that has been read. */
export function parseSpecDocument(document: TextDocument): SpecResult {
  if (isTooLong(document.text)) return refuseLength(document.text, document.line([]));
  const parsed = specSchema.safeParse(document.value);
  if (!parsed.success) {
    return { ok: false, problems: listProblems(parsed.error.issues, document.value, document.line) };
  }
  const { spec, service } = parsed.data;
  return { ok: true, spec, service, hash: hashSettings(spec.image, spec.settings) };
}

function isTooLong(text: string): boolean {
  return text.length > MAX_LENGTH;
}

function refuseLength(text: string, line: number | null): SpecResult {
  return refuse('', line, `a text of ${text.length} characters`, `at most ${MAX_LENGTH}`);
}

function refuse(path: string, line: number | null, found: string, expected: string): SpecResult {
  return { ok: false, problems: [makeProblem(path, line, found, expected)] };
}
