// Reads the spec files that a command was given: all problems of all files at once.
import { type FileSpec, parseSpecFile } from '../spec/file.ts';
import { formatProblems, makeProblem, type Problem } from '../spec/problem.ts';
import type { Outside } from './outside.ts';

export interface FileProblem extends Problem {
  readonly file: string;
}

export interface SpecFiles {
  readonly specs: readonly FileSpec[];
  readonly problems: readonly FileProblem[];
}

/** `-` is standard input. */
export async function readSpecFiles(outside: Outside, paths: readonly string[]): Promise<SpecFiles> {
  const specs: FileSpec[] = [];
  const problems: FileProblem[] = [];
  for (const path of paths) {
    const file = path === '-' ? 'stdin' : path;
    const result = await readSpecFile(outside, path, file);
    if (!result.ok) {
      problems.push(...result.problems);
      continue;
    }
    for (const spec of result.specs) {
      if (specs.some(({ service }) => service === spec.service)) {
        const problem = makeProblem('service', null, `${spec.service} a second time`, 'each service once');
        problems.push({ ...problem, file });
      }
      specs.push(spec);
    }
  }
  return { specs, problems };
}

async function readSpecFile(outside: Outside, path: string, file: string) {
  try {
    return parseSpecFile(await outside.readText(path), file);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const problem = makeProblem('', null, `a file that cannot be read (${why})`, 'a readable file');
    return { ok: false, problems: [{ ...problem, file }] } as const;
  }
}

/** One line per problem: `web.yaml:3: replicas: found …, expected …`. */
export function listProblems(problems: readonly FileProblem[]): string[] {
  return problems.flatMap((problem) => formatProblems([problem], problem.file));
}
