// One meaning, many texts: JSON or YAML, any order of fields, Compose's map or list, a file or a key: the same spec.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { parseSpecFile } from '../../../src/spec/file.ts';
import { parseSpec } from '../../../src/spec/parse.ts';
import { formatDuration } from '../../../strategies/describe.ts';

const duration = fc.integer({ min: 10, max: 80_000_000 }).map(formatDuration);
const name = fc.stringMatching(/^[A-Z][A-Z0-9_]{0,8}$/);
/** Texts that YAML would rather take for something else are among them. */
const value = fc.oneof(
  fc.string(),
  fc.constantFrom('yes', '1.10', '0755', 'null', '~', '', '2024-01-01', '*x', '# y'),
);
const amount = fc.oneof(
  fc.integer({ min: 1, max: 9 }),
  fc.integer({ min: 1, max: 100 }).map((share) => `${share}%`),
);
const common = {
  monitor: duration,
  min_ready: fc.integer({ min: 0, max: 599_999 }).map(formatDuration),
  failure_action: fc.constantFrom('rollback', 'pause'),
};
const optional = { requiredKeys: [] };

const strategy = fc.oneof(
  fc.record({ type: fc.constant('recreate'), ...common }, { requiredKeys: ['type'] }),
  fc.record(
    { type: fc.constant('rolling'), max_surge: amount, delay: duration, ...common },
    { requiredKeys: ['type'] },
  ),
  fc.record({ type: fc.constant('blue-green'), keep_old: duration, ...common }, { requiredKeys: ['type'] }),
  fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 5 }).map((weights) => ({
    type: 'canary',
    steps: weights.sort((a, b) => a - b).map((weight) => ({ weight })),
  })),
);

const fields = fc.record(
  {
    replicas: fc.integer({ min: 0, max: 9 }),
    environment: fc.dictionary(name, value),
    labels: fc.dictionary(name, value),
    command: fc.array(value),
    volumes: fc.constant(['/srv/a:/a:ro', 'cache:/b']),
    mem_limit: fc.constantFrom('64m', 1_000_000_000, '2g'),
    stop_grace_period: duration,
    healthcheck: fc.record(
      { http: fc.constant('/health'), interval: duration, rise: fc.integer({ min: 1, max: 9 }) },
      optional,
    ),
    strategy,
    proxy: fc.record({ timeout: duration, retries: fc.integer({ min: 0, max: 10 }) }, optional),
  },
  optional,
);

function reverse(document: object): object {
  return Object.fromEntries(Object.entries(document).reverse());
}

test('JSON, YAML, fields in another order, maps as lists, and a file: one spec and one hash', () => {
  fc.assert(
    fc.property(fields, (given) => {
      const document = { image: 'shop/web', port: 8080, ...given };
      const spec = parseSpec(JSON.stringify(document));
      expect(spec.ok).toBe(true);
      expect(parseSpec(stringify(document))).toEqual(spec);
      expect(parseSpec(stringify(reverse(document)))).toEqual(spec);
      const environment = Object.entries(given.environment ?? {}).map(([key, text]) => `${key}=${text}`);
      expect(parseSpec(JSON.stringify({ ...document, environment }))).toEqual(spec);
      const file = parseSpecFile(`# a file\n${stringify({ service: 'web', ...document })}---\n`, 'f.yaml');
      expect(file.ok && { ...file.specs[0], text: '' }).toEqual({
        ...spec,
        ok: undefined,
        service: 'web',
        text: '',
      });
    }),
    { numRuns: 30 },
  );
});

test('environment is kept to the letter', () => {
  fc.assert(
    fc.property(fc.dictionary(name, value), (environment) => {
      for (const text of [
        JSON.stringify({ image: 'a', environment }),
        stringify({ image: 'a', environment }),
      ]) {
        const result = parseSpec(text);
        expect(result.ok && result.spec.settings.container.environment).toEqual({ ...environment });
      }
    }),
    { numRuns: 50 },
  );
});
