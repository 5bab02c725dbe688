// Names of files, functions and types, as rules: kebab-case nouns, no drawers for everything, no barrels.
import type { SourceFile } from './source.ts';
import { isNode, walk } from './walk.ts';

const DRAWERS = new Set(
  'util utils helper helpers common misc lib shared manager managers handler handlers'.split(' '),
);
const VAGUE_FUNCTION = /^(handle|process|manage)([A-Z]|$)/;
const VAGUE_TYPE = /(Manager|Impl|Helper|Helpers|Util|Utils)$/;

/** A path below one of the project's folders. */
export function checkPath(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== 'README.md');
  const stems = parts.map((part) => part.replace(/(\.test)?\.[a-z]+$/, ''));
  return [
    ...stems
      .filter((stem) => stem !== 'README' && !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(stem))
      .map((stem) => `${path}: ${stem} is not kebab-case`),
    ...stems
      .filter((stem) => DRAWERS.has(stem))
      .map((stem) => `${path}: ${stem} says nothing of what is in it`),
    ...(stems.at(-1) === 'index' ? [`${path}: an index file is a barrel, or soon will be`] : []),
  ];
}

export function checkNames(file: SourceFile): string[] {
  const problems: string[] = [];
  walk(file.program, (node) => {
    if (!isNode(node.id) || typeof node.id.name !== 'string') return;
    const isFunction = node.type === 'FunctionDeclaration';
    const isType = /^(ClassDeclaration|TSInterfaceDeclaration|TSTypeAliasDeclaration)$/.test(node.type);
    const vague = isFunction ? VAGUE_FUNCTION : isType ? VAGUE_TYPE : null;
    if (vague?.test(node.id.name) !== true) return;
    problems.push(`${file.path}:${file.lineAt(node.start)}: ${node.id.name} does not say what it does`);
  });
  return [...problems, ...checkBarrel(file)];
}

/** A module that only passes on what others export. */
function checkBarrel(file: SourceFile): string[] {
  const body = Array.isArray(file.program.body) ? file.program.body.filter(isNode) : [];
  const passesOn =
    body.length > 0 && body.every((statement) => /^Export/.test(statement.type) && isNode(statement.source));
  return passesOn ? [`${file.path}: a barrel; import from where the thing is`] : [];
}
