// A file with one or more specs, each document naming its service: what `apply`, `validate` and `plan` read.
import type { ServiceSpec } from '../../strategies/spec.ts';
import { parseDocuments, type TextDocument } from './document.ts';
import { parseSpecDocument } from './parse.ts';
import { makeProblem, type Problem } from './problem.ts';

export interface FileSpec {
  readonly service: string;
  /** The document as written, comments included: what is stored. */
  readonly text: string;
  readonly spec: ServiceSpec;
  readonly hash: string;
}

export type FileResult =
  | { readonly ok: true; readonly specs: readonly FileSpec[] }
  | { readonly ok: false; readonly problems: readonly FileProblem[] };

export interface FileProblem extends Problem {
  readonly file: string;
}

const NAME = '`service: NAME` at the top of each document';
const COMPOSE =
  'one document per service: `service: NAME`, then its fields (image without tag; write `port` and `routes` for ports)';

/** All documents, or all problems of all of them. `path` is only named in problems. */
export function parseSpecFile(text: string, path: string): FileResult {
  const read = parseDocuments(text);
  if (!read.ok) return refuse(path, read.problems);
  if (read.documents.length === 0) return refuse(path, [makeProblem('', null, 'no document', NAME)]);
  const specs: FileSpec[] = [];
  const problems: Problem[] = [];
  for (const document of read.documents) {
    const result = parseOne(document, specs);
    if ('problems' in result) problems.push(...result.problems);
    else specs.push(result);
  }
  return problems.length > 0 ? refuse(path, problems) : { ok: true, specs };
}

function parseOne(
  document: TextDocument,
  before: readonly FileSpec[],
): FileSpec | { problems: readonly Problem[] } {
  if (isCompose(document.value)) {
    const problem = makeProblem('services', document.line(['services']), 'a Compose file', COMPOSE);
    return { problems: [problem] };
  }
  const result = parseSpecDocument(document);
  const nameless = hasName(document.value)
    ? []
    : [makeProblem('service', document.line([]), 'nothing', NAME)];
  if (!result.ok) return { problems: [...nameless, ...result.problems] };
  const { service, spec, hash } = result;
  if (service === null) return { problems: nameless };
  if (before.some((each) => each.service === service)) {
    const line = document.line(['service']);
    return { problems: [makeProblem('service', line, `${service} once more`, 'each service once')] };
  }
  return { service, text: document.text, spec, hash };
}

function isCompose(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'services' in value && !('image' in value);
}

function hasName(value: unknown): boolean {
  return typeof value !== 'object' || value === null || Array.isArray(value) || 'service' in value;
}

function refuse(file: string, problems: readonly Problem[]): FileResult {
  return { ok: false, problems: problems.map((problem) => ({ ...problem, file })) };
}
