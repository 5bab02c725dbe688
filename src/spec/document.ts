// YAML or JSON text → plain values with their lines. Knows nothing of specs but where values are kept as written.
import * as yaml from 'yaml';
import { MAX_PROBLEMS, makeProblem, type Path, type Problem } from './problem.ts';

/** Maps whose values are texts whatever they look like: `VERSION: 1.10` stays 1.10. */
const VERBATIM = [
  ...['environment', 'labels', 'logging.options', 'proxy.headers'],
  ...['strategy.preview.header', 'strategy.preview.cookie'],
  ...['strategy.steps.*.match.header', 'strategy.steps.*.match.cookie'],
];

const OPTIONS = { merge: true, prettyErrors: false, uniqueKeys: true, stringKeys: true } as const;

/** `line` answers for a path, or for the nearest thing above it that the text has. */
export interface TextDocument {
  readonly value: unknown;
  readonly text: string;
  readonly line: (path: Path) => number | null;
}

export type Documents =
  | { readonly ok: true; readonly documents: readonly TextDocument[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Every document of the text; empty ones are left out. */
export function parseDocuments(text: string): Documents {
  const lines = new yaml.LineCounter();
  const parsed = yaml.parseAllDocuments(text, { ...OPTIONS, lineCounter: lines });
  const all = Array.isArray(parsed) ? parsed : [];
  const problems = all.flatMap((each) =>
    [...each.errors, ...each.warnings].map((e) => describeError(e, lines)),
  );
  if (problems.length > 0) return { ok: false, problems: problems.slice(0, MAX_PROBLEMS) };
  const documents: TextDocument[] = [];
  let start = 0;
  for (const each of all) {
    const end = each.range[2];
    const read = readDocument(each, text.slice(start, end), lines);
    start = end;
    if ('message' in read) problems.push(read);
    else if (read.value !== null) documents.push(read);
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, documents };
}

function readDocument(
  document: yaml.Document.Parsed,
  text: string,
  lines: yaml.LineCounter,
): TextDocument | Problem {
  keepVerbatim(document);
  try {
    const line = (path: Path) => findLine(document, path, lines);
    return { value: document.toJS({ maxAliasCount: 100 }), text: stripMarkers(text), line };
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    return error.message.startsWith('Excessive')
      ? makeProblem('', null, 'too many aliases', 'a text that repeats less of itself')
      : makeProblem('', null, 'an alias without its anchor', 'quotes around a value that begins with *');
  }
}

/** The parser's words without what it quotes, which may be a secret. */
function describeError(error: yaml.YAMLError, lines: yaml.LineCounter): Problem {
  const { line, col } = lines.linePos(error.pos[0]);
  const twice = error.code === 'DUPLICATE_KEY';
  const found = twice ? 'a field for the second time' : 'something that is not YAML';
  const problem = makeProblem('', line, found, twice ? 'each field once' : 'YAML or JSON');
  return {
    ...problem,
    message: `line ${line}, column ${col}: ${problem.message} (${error.message.replace(/:.*/s, '')})`,
  };
}

function keepVerbatim(document: yaml.Document.Parsed): void {
  for (const node of VERBATIM.flatMap((name) => findNodes(document.contents, name.split('.')))) {
    if (!yaml.isMap(node)) continue;
    for (const { value } of node.items) {
      if (yaml.isScalar(value) && value.value !== null && value.source !== undefined)
        value.value = value.source;
    }
  }
}

/** `*` is every item of a list. */
function findNodes(node: unknown, [name, ...more]: readonly string[]): readonly unknown[] {
  if (name === undefined) return [node];
  if (name === '*') return yaml.isSeq(node) ? node.items.flatMap((item) => findNodes(item, more)) : [];
  return yaml.isMap(node) ? findNodes(node.get(name, true), more) : [];
}

/** The key's line, since the key is what the path names. */
function findLine(document: yaml.Document.Parsed, path: Path, lines: yaml.LineCounter): number | null {
  let node: unknown = document.contents;
  let offset = yaml.isNode(node) ? node.range?.[0] : undefined;
  for (const part of path) {
    if (yaml.isAlias(node)) node = node.resolve(document);
    if (yaml.isMap(node)) {
      const pair = node.items.find(({ key }) => yaml.isScalar(key) && String(key.value) === String(part));
      if (pair === undefined) break;
      if (yaml.isScalar(pair.key)) offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else if (yaml.isSeq(node)) {
      node = node.items[Number(part)];
      if (!yaml.isNode(node)) break;
      offset = node.range?.[0] ?? offset;
    } else break;
  }
  return offset === undefined ? null : lines.linePos(offset).line;
}

/** One document's own text, without the marks that divide documents. */
function stripMarkers(text: string): string {
  const body = text.replace(/^((?:[ \t]*(?:#.*)?\r?\n)*)---[ \t]*\r?\n/, '$1').replace(/\n\.\.\.\s*$/, '\n');
  return `${body.trim()}\n`;
}
