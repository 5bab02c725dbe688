// The project's own sources as the rules see them: text, lines, imports and syntax tree. Judges nothing.
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseAst } from 'vitest/node';
import { isNode, type Node, walk } from './walk.ts';

export const ROOT = resolve(import.meta.dirname, '../..');
const FOLDERS = ['strategies', 'proxy', 'deploy', 'src', 'test', 'scripts', 'bench'];

export interface Import {
  readonly specifier: string;
  /** Nothing of it is left at run time. */
  readonly typeOnly: boolean;
  readonly line: number;
}

export interface SourceFile {
  /** From the project's root: `src/store/etcd.ts`. */
  readonly path: string;
  readonly text: string;
  readonly program: Node;
  readonly imports: readonly Import[];
  lineAt(offset: number): number;
}

/** Every TypeScript file of the project. */
export function readSources(): SourceFile[] {
  return FOLDERS.flatMap((folder) => listFiles(folder))
    .filter((path) => path.endsWith('.ts'))
    .map((path) => parseSource(path, readFileSync(join(ROOT, path), 'utf8')));
}

/** Files below a folder of the project, sorted; none when there is no such folder. */
export function listFiles(folder: string): string[] {
  try {
    const entries = readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length + 1))
      .sort();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

export function parseSource(path: string, text: string): SourceFile {
  const program: unknown = parseAst(text, { lang: 'ts' }, path);
  if (!isNode(program)) throw new Error(`${path} does not parse`);
  const lineAt = (offset: number): number => text.slice(0, offset).split('\n').length;
  return { path, text, program, lineAt, imports: findImports(program, lineAt) };
}

function findImports(program: Node, lineAt: (offset: number) => number): Import[] {
  const found: Import[] = [];
  walk(program, (node) => {
    const source = node.source;
    if (!isNode(source) || typeof source.value !== 'string') return;
    found.push({ specifier: source.value, typeOnly: isTypeOnly(node), line: lineAt(node.start) });
  });
  return found;
}

function isTypeOnly(node: Node): boolean {
  if (node.type === 'TSImportType') return true;
  if (node.importKind === 'type' || node.exportKind === 'type') return true;
  const specifiers = Array.isArray(node.specifiers) ? node.specifiers.filter(isNode) : [];
  return (
    specifiers.length > 0 &&
    specifiers.every((each) => each.importKind === 'type' || each.exportKind === 'type')
  );
}
