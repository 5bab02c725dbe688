// Who may import what: the matrix of ARCHITECTURE.md as a rule over one file, and cycles as a rule over all of them.
import { posix } from 'node:path';
import type { Import, SourceFile } from './source.ts';

/** Packages that only certain files may import, by a pattern of their paths. */
const PACKAGE_HOMES: Readonly<Record<string, RegExp>> = {
  dockerode: /^deploy\/docker[a-z-]*\.ts$/,
  'p-retry': /^deploy\//,
  etcd3: /^src\/store\/etcd[a-z-]*\.ts$/,
  pino: /^src\/telemetry\/log\.ts$/,
  'prom-client': /^src\/telemetry\/metrics[a-z-]*\.ts$/,
  zod: /^src\/(spec\/|config[a-z-]*\.ts$)/,
  yaml: /^src\/(spec|cli)\//,
  fastify: /^src\/admin\//,
  commander: /^src\/(cli\/|main\.ts$)/,
  'cli-progress': /^src\/(cli\/|main\.ts$)/,
  'cli-table3': /^src\/(cli\/|main\.ts$)/,
  picocolors: /^src\/(cli\/|main\.ts$)/,
};

/** Of another layer: which files, and whether for their types alone. `null`: no file of it. */
const LAYERS: Readonly<
  Record<string, Readonly<Record<string, { files: RegExp; typesOnly: boolean } | null>>>
> = {
  strategies: { proxy: null, deploy: null, src: null },
  proxy: { strategies: null, deploy: null, src: null },
  deploy: {
    strategies: { files: /^strategies\/(model|spec|describe)\.ts$/, typesOnly: false },
    proxy: { files: /^proxy\/table\/table\.ts$/, typesOnly: true },
    src: null,
  },
  src: {
    strategies: { files: /./, typesOnly: false },
    proxy: { files: /^proxy\/(server|control|table\/table)\.ts$/, typesOnly: false },
    deploy: { files: /./, typesOnly: false },
  },
};

/** One line for each import that the matrix does not allow. Tests, scripts and benchmarks may import everything. */
export function checkImports(file: SourceFile): string[] {
  const layer = layerOf(file.path);
  if (LAYERS[layer] === undefined) return [];
  return file.imports.flatMap((each) => {
    const problem = each.specifier.startsWith('.')
      ? judgeFile(file.path, layer, each)
      : judgePackage(file.path, layer, each.specifier);
    return problem === null ? [] : [`${file.path}:${each.line}: ${problem}`];
  });
}

/** Each cycle of imports that last at run time, as `a → b → a`. */
export function findCycles(files: readonly SourceFile[]): string[] {
  const edges = new Map(
    files.map((file) => [
      file.path,
      file.imports
        .filter((each) => !each.typeOnly && each.specifier.startsWith('.'))
        .map((each) => target(file.path, each)),
    ]),
  );
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) {
      cycles.push([...trail.slice(trail.indexOf(path)), path].join(' → '));
      return;
    }
    if (done.has(path)) return;
    for (const next of edges.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of edges.keys()) visit(path, []);
  return cycles;
}

function judgeFile(path: string, layer: string, each: Import): string | null {
  const to = target(path, each);
  const other = layerOf(to);
  if (!to.endsWith('.ts')) return `${each.specifier} has no .ts ending`;
  if (other === layer) return null;
  const allowed = LAYERS[layer]?.[other];
  if (allowed === undefined || allowed === null) return `${layer} must not import ${other} (${to})`;
  if (!allowed.files.test(to)) return `${layer} must not import ${to}`;
  if (allowed.typesOnly && !each.typeOnly) return `${layer} may import only types of ${to}`;
  return null;
}

function judgePackage(path: string, layer: string, specifier: string): string | null {
  if (specifier.startsWith('node:'))
    return layer === 'strategies' ? `strategies must not import ${specifier}` : null;
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  if (PACKAGE_HOMES[name]?.test(path) === true) return null;
  return PACKAGE_HOMES[name] === undefined
    ? `the package ${name} belongs nowhere here`
    : `the package ${name} must not be imported here`;
}

function target(path: string, each: Import): string {
  return posix.join(posix.dirname(path), each.specifier);
}

function layerOf(path: string): string {
  return path.split('/')[0] ?? '';
}
