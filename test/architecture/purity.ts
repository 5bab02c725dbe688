// What strategies must not touch (clock, chance, world), and that nothing happens when a module is imported, as rules.
import type { SourceFile } from './source.ts';
import { isNode, type Node, walk } from './walk.ts';

const WORLD = new Set(
  `process performance console globalThis global fetch crypto Buffer navigator
  setTimeout setInterval setImmediate clearTimeout clearInterval clearImmediate queueMicrotask
  WebSocket EventSource XMLHttpRequest AbortController AbortSignal require eval`.split(/\s+/),
);

/** Run as programs of their own: the only ones that may do something at import. */
export const PROGRAMS =
  /^(src\/main|src\/.*-main|proxy\/.*-main|proxy\/main|(src|proxy)\/(.*\/)?worker)\.ts$/;

export function checkPurity(file: SourceFile): string[] {
  const problems: string[] = [];
  walk(file.program, (node, parent) => {
    const name = describeImpurity(node, parent);
    if (name !== null)
      problems.push(`${file.path}:${file.lineAt(node.start)}: ${name} is not for strategies`);
  });
  return problems;
}

/** Every statement at the top of a module declares something; none of them calls, awaits or branches. */
export function checkImportTime(file: SourceFile): string[] {
  const body = Array.isArray(file.program.body) ? file.program.body.filter(isNode) : [];
  const acting = body.filter(
    (statement) => !/^(Import|Export|TS|Variable|Function|Class)/.test(statement.type),
  );
  const awaiting = body.filter(
    (statement) => /^(Variable|Export)/.test(statement.type) && hasAwait(statement),
  );
  return [...acting, ...awaiting].map(
    (statement) => `${file.path}:${file.lineAt(statement.start)}: something happens at import time`,
  );
}

function describeImpurity(node: Node, parent: Node | null): string | null {
  if (node.type === 'NewExpression' && isNamed(node.callee, 'Date')) {
    return Array.isArray(node.arguments) && node.arguments.length === 0 ? 'new Date()' : null;
  }
  if (node.type === 'CallExpression' && isNamed(node.callee, 'Date')) return 'Date()';
  if (node.type === 'MemberExpression' && isNamed(node.object, 'Date') && isNamed(node.property, 'now'))
    return 'Date.now';
  if (node.type === 'MemberExpression' && isNamed(node.object, 'Math') && isNamed(node.property, 'random')) {
    return 'Math.random';
  }
  if (node.type !== 'Identifier' || typeof node.name !== 'string' || !WORLD.has(node.name)) return null;
  return isReference(node, parent) ? node.name : null;
}

/** False for a property's name, in a value or a type, which names nothing of the world. */
function isReference(node: Node, parent: Node | null): boolean {
  if (parent === null) return true;
  if (parent.type === 'MemberExpression') return parent.object === node || parent.computed === true;
  if (parent.type === 'Property') return parent.value === node;
  return !/^(TSPropertySignature|TSMethodSignature|MethodDefinition|PropertyDefinition)$/.test(parent.type);
}

function isNamed(value: unknown, name: string): boolean {
  return isNode(value) && value.type === 'Identifier' && value.name === name;
}

/** An await that belongs to the module itself, not to a function in it. */
function hasAwait(statement: Node): boolean {
  if (statement.type === 'AwaitExpression') return true;
  if (/Function|^MethodDefinition$/.test(statement.type)) return false;
  const children = Object.values(statement).flatMap((value) => (Array.isArray(value) ? value : [value]));
  return children.some((child) => isNode(child) && hasAwait(child));
}
