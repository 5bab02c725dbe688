// The import matrix holds, and the rule that says so can fail.
import { describe, expect, it } from 'vitest';
import { checkImports, findCycles } from './import-matrix.ts';
import { parseSource, readSources } from './source.ts';

const REFUSED = [
  ['strategies imports no package', 'strategies/a.ts', `import { z } from 'zod';`],
  ['strategies imports nothing of node', 'strategies/a.ts', `import { join } from 'node:path';`],
  [
    'strategies imports no other layer, not even a type',
    'strategies/a.ts',
    `import type { T } from '../proxy/table/table.ts';`,
  ],
  ['a type in passing is an import too', 'strategies/a.ts', `export type A = import('../src/app.ts').A;`],
  ['proxy imports no package', 'proxy/a.ts', `import { WebSocket } from 'ws';`],
  ['proxy imports no other layer', 'proxy/a.ts', `import type { R } from '../strategies/model.ts';`],
  [
    'deploy imports of strategies only model, spec, describe',
    'deploy/a.ts',
    `import { d } from '../strategies/decide.ts';`,
  ],
  ['deploy imports of the table only types', 'deploy/a.ts', `import { p } from '../proxy/table/table.ts';`],
  ['deploy imports of proxy only the table', 'deploy/a.ts', `import type { S } from '../proxy/server.ts';`],
  ['deploy imports nothing of src', 'deploy/a.ts', `export { x } from '../src/config.ts';`],
  ['dockerode is imported by the adapter alone', 'deploy/observe.ts', `import Docker from 'dockerode';`],
  ['dockerode is not imported by src', 'src/app.ts', `const d = await import('dockerode');`],
  ['src imports of proxy only its doors', 'src/app.ts', `import { p } from '../proxy/table/picker.ts';`],
  ['etcd3 is imported by its adapter alone', 'src/store/mirror.ts', `import { Etcd3 } from 'etcd3';`],
  ['pino is imported by the log alone', 'src/app.ts', `import pino from 'pino';`],
  ['prom-client is imported by metrics alone', 'src/app.ts', `import type { Gauge } from 'prom-client';`],
  ['zod is imported by spec and config alone', 'src/admin/server.ts', `import { z } from 'zod';`],
  ['fastify is imported by admin alone', 'src/app.ts', `import fastify from 'fastify';`],
  ['commander is imported by the command line alone', 'src/app.ts', `import { Command } from 'commander';`],
  ['a package of no one is refused', 'src/app.ts', `import _ from 'lodash/fp';`],
  ['src imports no test', 'src/app.ts', `import { f } from '../test/fakes/clock.ts';`],
  ['an import has its ending', 'src/app.ts', `import { f } from './config';`],
] as const;

const ALLOWED = [
  ['own files', 'strategies/a.ts', `import { d } from './decide.ts';`],
  ['node in proxy', 'proxy/a.ts', `import { createServer } from 'node:http';`],
  [
    'types of the table in deploy',
    'deploy/a.ts',
    `import { type T, type U } from '../proxy/table/table.ts';`,
  ],
  ['the adapter of the engine', 'deploy/docker-images.ts', `import Docker from 'dockerode';`],
  ['the doors of proxy', 'src/app.ts', `import { createProxy } from '../proxy/server.ts';`],
  ['config in more files than one', 'src/config-files.ts', `import { z } from 'zod';`],
  ['anything in tests', 'test/a.test.ts', `import Docker from 'dockerode';`],
] as const;

describe('the import matrix', () => {
  it.each(REFUSED)('%s', (_rule, path, text) => {
    expect(checkImports(parseSource(path, text))).toEqual([expect.stringContaining(`${path}:1: `)]);
  });

  it.each(ALLOWED)('allows %s', (_rule, path, text) => {
    expect(checkImports(parseSource(path, text))).toEqual([]);
  });

  it('holds in every source file', () => {
    const files = readSources();
    expect(files.length).toBeGreaterThan(50);
    expect(files.flatMap(checkImports)).toEqual([]);
  });
});

describe('import cycles', () => {
  const cycle = [
    parseSource('src/a.ts', `import { b } from './b.ts';`),
    parseSource('src/b.ts', `import { c } from './x/c.ts';`),
    parseSource('src/x/c.ts', `export { a } from '../a.ts';`),
  ];

  it('are found', () => {
    expect(findCycles(cycle)).toEqual(['src/a.ts → src/b.ts → src/x/c.ts → src/a.ts']);
  });

  it('of types alone are none', () => {
    const typed = parseSource('src/x/c.ts', `export type { A } from '../a.ts';`);
    expect(findCycles([...cycle.slice(0, 2), typed])).toEqual([]);
  });

  it('exist nowhere', () => {
    expect(findCycles(readSources())).toEqual([]);
  });
});
