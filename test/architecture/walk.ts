// A walk over a syntax tree of unknown shape.

export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

/** Calls `visit` with every node and its parent, the outer ones first. */
export function walk(node: Node, visit: (node: Node, parent: Node | null) => void): void {
  walkBelow(node, null, visit);
}

function walkBelow(node: Node, parent: Node | null, visit: (node: Node, parent: Node | null) => void): void {
  visit(node, parent);
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value])
      if (isNode(child)) walkBelow(child, node, visit);
  }
}
