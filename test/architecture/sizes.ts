// Sizes that keep the code pleasant to read, as rules: lines of a file, lines of a function, and an opening comment.
import type { SourceFile } from './source.ts';
import { isNode, type Node, walk } from './walk.ts';

export const FILE_LINES = 250;
/** A file of types alone reads as a glossary. */
export const GLOSSARY_LINES = 500;
export const TEST_LINES = 400;
export const FUNCTION_LINES = 60;
export const SHORT_LINES = 25;
export const SHORT_SHARE = 0.9;

export interface SizedFunction {
  readonly path: string;
  readonly line: number;
  readonly lines: number;
}

export function checkFile(file: SourceFile): string[] {
  const lines = file.text.trimEnd().split('\n').length;
  const limit = limitOf(file);
  const opens = /^(#!.*\n)?(\/\/ \S|\/\*\*? ?\S?)/.test(file.text) || isTest(file);
  return [
    ...(lines > limit ? [`${file.path}: ${lines} lines, at most ${limit}`] : []),
    ...(opens ? [] : [`${file.path}: does not open with a comment`]),
  ];
}

/** Functions with a body in braces, methods included; an arrow without braces is part of its function. */
export function findFunctions(file: SourceFile): SizedFunction[] {
  const found: SizedFunction[] = [];
  walk(file.program, (node) => {
    const isFunction = /^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(node.type);
    if (!isFunction || !isNode(node.body) || !/^(BlockStatement|FunctionBody)$/.test(node.body.type)) return;
    const line = file.lineAt(node.start);
    found.push({ path: file.path, line, lines: file.lineAt(node.end) - line + 1 });
  });
  return found;
}

export function checkFunctions(functions: readonly SizedFunction[]): string[] {
  const long = functions.filter(({ lines }) => lines > FUNCTION_LINES);
  const short = functions.filter(({ lines }) => lines <= SHORT_LINES).length;
  const share = functions.length === 0 ? 1 : short / functions.length;
  return [
    ...long.map(
      ({ path, line, lines }) => `${path}:${line}: a function of ${lines} lines, at most ${FUNCTION_LINES}`,
    ),
    ...(share < SHORT_SHARE
      ? [
          `only ${short} of ${functions.length} functions have ${SHORT_LINES} lines or fewer, nine in ten should`,
        ]
      : []),
  ];
}

function limitOf(file: SourceFile): number {
  if (isTest(file)) return TEST_LINES;
  return isGlossary(file.program) ? GLOSSARY_LINES : FILE_LINES;
}

/** Its name is that of the source file that it tests: it needs no opening, and its tables may be long. */
function isTest(file: SourceFile): boolean {
  return file.path.endsWith('.test.ts');
}

function isGlossary(program: Node): boolean {
  const body = Array.isArray(program.body) ? program.body.filter(isNode) : [];
  return body.every((statement) => isTypeStatement(statement));
}

function isTypeStatement(node: Node): boolean {
  if (/^TS(Interface|TypeAlias)Declaration$/.test(node.type)) return true;
  if (node.importKind === 'type' || node.exportKind === 'type') return true;
  return (
    node.type === 'ExportNamedDeclaration' && isNode(node.declaration) && isTypeStatement(node.declaration)
  );
}
