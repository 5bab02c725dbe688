// From the schema's issues to problems: what was found is looked up in the text's own values.
import type * as z from 'zod';
import { describeFound, formatPath, MAX_PROBLEMS, makeProblem, type Path, type Problem } from './problem.ts';

type Issue = z.core.$ZodIssue;
type LineOf = (path: Path) => number | null;

/** Maps whose values may be secrets: never quoted, nor is a text that stands for the whole map, or for the whole spec. */
const SECRET = new Set(['environment', 'labels', 'headers', 'options']);

/** In the order of the text, `MAX_PROBLEMS` at most. */
export function listProblems(issues: readonly Issue[], root: unknown, lineOf: LineOf): readonly Problem[] {
  const findings = issues.flatMap((issue) => expandIssue(issue, []));
  const found = findings.slice(0, MAX_PROBLEMS).map((each) => toProblem(each, root, lineOf));
  const unique = [...new Map(found.map((problem) => [problem.message, problem])).values()];
  return unique.sort((a, b) => (a.line ?? Infinity) - (b.line ?? Infinity));
}

interface Finding {
  readonly path: Path;
  readonly found: string | null;
  readonly expected: string;
  readonly unknown?: boolean;
}

function expandIssue(issue: Issue, above: Path): readonly Finding[] {
  const path = [...above, ...toPath(issue.path)];
  if (issue.code === 'unrecognized_keys') {
    const advice = issue.message.split('\n');
    return issue.keys.slice(0, MAX_PROBLEMS).map((key, index) => ({
      path: [...path, key],
      found: 'a field that does not exist',
      expected: advice[index] ?? 'another field',
      unknown: true,
    }));
  }
  if (issue.code === 'invalid_union') return expandUnion(issue, path);
  const found =
    issue.code === 'custom' && typeof issue.params?.found === 'string' ? issue.params.found : null;
  return [{ path, found, expected: issue.message }];
}

/** Of a union, the form that went wrong deeper inside is the one that was meant. */
function expandUnion(issue: z.core.$ZodIssueInvalidUnion, path: Path): readonly Finding[] {
  const inside = issue.errors.find((branch) =>
    branch.some((each) => each.path.length > 0 || each.code === 'unrecognized_keys'),
  );
  const special = issue.errors.flat().find((each) => each.code === 'custom' && each.params?.found);
  const meant = inside ?? (special === undefined ? undefined : [special]);
  if (meant !== undefined) return meant.flatMap((each) => expandIssue(each, path));
  const own = issue.message === 'Invalid input' ? undefined : issue.message;
  const expected = own ?? [...new Set(issue.errors.flat().map((each) => each.message))].join(', or ');
  return [{ path, found: null, expected }];
}

function toProblem(finding: Finding, root: unknown, lineOf: LineOf): Problem {
  const { path, expected } = finding;
  const secret = path.length === 0 || path.some((part) => SECRET.has(String(part)));
  const found = finding.found ?? describeFound(lookUp(root, path), secret);
  const problem = makeProblem(formatPath(path), lineOf(path), found, expected);
  return finding.unknown ? { ...problem, message: `${problem.path}: no such field: ${expected}` } : problem;
}

function toPath(path: readonly PropertyKey[]): Path {
  return path.map((part) => (typeof part === 'number' ? part : String(part)));
}

function lookUp(root: unknown, path: Path): unknown {
  let value = root;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = Reflect.get(value, part);
  }
  return value;
}
