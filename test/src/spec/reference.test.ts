// The reference names every field of the schema and no other, and its defaults are the true ones.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import type { z } from 'zod';
import { parseSpec } from '../../../src/spec/parse.ts';
import { specSchema } from '../../../src/spec/schema.ts';

interface Row {
  readonly path: string;
  readonly fallback: string;
}

function readRows(): readonly Row[] {
  const text = readFileSync(new URL('../../../docs/spec.md', import.meta.url), 'utf8');
  const rows = text.matchAll(/^\| `([\w.[\]]+)` \| [^|]+ \| ([^|]+) \| [^|]*\|$/gm);
  return [...rows].map(([, path = '', fallback = '']) => ({ path, fallback: fallback.trim() }));
}

/** Paths of all fields, `[]` for the items of a list. */
function listFields(schema: z.core.$ZodType, path: string): readonly string[] {
  const { def } = schema._zod as z.core.$ZodTypes['_zod'];
  switch (def.type) {
    case 'object':
      return Object.entries(def.shape).flatMap(([name, field]) => {
        const below = path === '' ? name : `${path}.${name}`;
        return [below, ...listFields(field, below)];
      });
    case 'array':
      return listFields(def.element, `${path}[]`);
    case 'union':
      return def.options.flatMap((option) => listFields(option, path));
    case 'pipe':
      return [...listFields(def.in, path), ...listFields(def.out, path)];
    case 'optional':
    case 'default':
    case 'prefault':
      return listFields(def.innerType, path);
    default:
      return [];
  }
}

const rows = readRows();

test('every field stands in the reference, and nothing else does', () => {
  const fields = [...new Set(listFields(specSchema, ''))].sort();
  expect(fields.length).toBeGreaterThan(80);
  expect(rows.map((row) => row.path).sort()).toEqual(fields);
});

/** What must stand beside a field for it to be allowed, and where items of a list go. */
function surround(path: string): Record<string, unknown> {
  if (path.startsWith('volumes[]')) return { volumes: [{ type: 'volume', source: 'v1', target: '/a' }] };
  if (path.startsWith('routes[]')) return { routes: [{ host: '*', path: '/' }] };
  if (path === 'healthcheck.status') return { healthcheck: { http: '/' } };
  if (path === 'strategy.promotion' || path === 'strategy.keep_old')
    return { strategy: { type: 'blue-green' } };
  if (path.startsWith('proxy.affinity.')) return { proxy: { affinity: {} } };
  if (path.startsWith('proxy.maintenance.')) return { proxy: { maintenance: {} } };
  if (path.startsWith('logging.')) return { logging: {} };
  return {};
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function write(root: Record<string, unknown>, path: string, value: unknown): void {
  const names = path.replaceAll('[]', '.0').split('.');
  const last = names.pop() ?? '';
  let map = root;
  for (const name of names) {
    const next: unknown = Reflect.get(map, name) ?? {};
    if (typeof next !== 'object' || next === null) throw new Error(`${path} leads through a ${typeof next}`);
    Reflect.set(map, name, next);
    map = next as Record<string, unknown>;
  }
  Reflect.set(map, last, value);
}

describe('a default that is written out changes nothing', () => {
  const given = rows.filter((row) => row.fallback.startsWith('`'));
  test('there are many', () => expect(given.length).toBeGreaterThan(45));
  test.each(given)('$path: $fallback', ({ path, fallback }) => {
    const root = () => ({ image: 'web', port: 80, ...surround(path) });
    const written = root();
    write(written, path, parse(fallback.slice(1, -1)));
    expect(isMap(written)).toBe(true);
    expect(parseSpec(stringify(written))).toEqual({ ...parseSpec(stringify(root())), ok: true });
  });
});

test('what has no default may be left out, and what is required may not', () => {
  expect(rows.filter((row) => row.fallback === 'required').map((row) => row.path)).toEqual([
    'image',
    'volumes[].type',
    'volumes[].source',
    'volumes[].target',
  ]);
  expect(parseSpec('image: web\n').ok).toBe(true);
});
