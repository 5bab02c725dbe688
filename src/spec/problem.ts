// What is wrong with a text that an operator wrote: where, what was found, what was expected. Plain data and its words.

export interface Problem {
  /** `strategy.steps[0].weight`; empty for the whole text. */
  readonly path: string;
  /** 1-based line of the text, or null when it is not known. */
  readonly line: number | null;
  readonly found: string;
  readonly expected: string;
  /** One sentence with all of it but the line. */
  readonly message: string;
}

/** No text gets more than this: what is wrong so often is not read one by one. */
export const MAX_PROBLEMS = 100;

export type Path = readonly (string | number)[];

export function formatPath(path: Path): string {
  return path.map((part, index) => formatPart(part, index === 0)).join('');
}

function formatPart(part: string | number, first: boolean): string {
  if (typeof part === 'number') return `[${part}]`;
  if (!/^[A-Za-z_][\w-]*$/.test(part)) return `[${JSON.stringify(part)}]`;
  return first ? part : `.${part}`;
}

export function makeProblem(path: string, line: number | null, found: string, expected: string): Problem {
  const where = path === '' ? '' : `${path}: `;
  return { path, line, found, expected, message: `${where}found ${found}, expected ${expected}` };
}

/** Names a value by its kind; texts and numbers are quoted in short, unless `secret`. */
export function describeFound(value: unknown, secret = false): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a map';
  if (secret) return typeof value === 'string' ? 'a text' : `a ${typeof value}`;
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}…"` : text;
}

/** The problems as lines for a person or a status message; `file` goes in front when there is one. */
export function formatProblems(problems: readonly Problem[], file?: string): readonly string[] {
  return problems.map(({ line, message }) => {
    if (file !== undefined) return `${file}${line === null ? '' : `:${line}`}: ${message}`;
    return line === null || message.startsWith('line ') ? message : `line ${line}: ${message}`;
  });
}
