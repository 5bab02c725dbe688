// A spec as one text: all problems at once, with their lines; YAML's own mistakes; values that stay as written.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseSpec } from '../../../src/spec/parse.ts';
import { formatProblems } from '../../../src/spec/problem.ts';

function problemsOf(text: string, service?: string): readonly string[] {
  const result = parseSpec(text, service);
  return result.ok ? [] : formatProblems(result.problems);
}

describe('a text that is not a spec', () => {
  test.each([
    ['empty', '', 'found an empty text, expected a spec'],
    ['comments alone', '# later\n', 'found an empty text'],
    ['a list', '- a\n', 'line 1: found a list, expected a map'],
    ['a word', 'nginx\n', 'line 1: found a text, expected a map'],
    ['an open bracket', 'image: web\nroutes: [\n', 'line 3, column 1: found something that is not YAML'],
    [
      'a tab for indentation',
      'strategy:\n\ttype: rolling\n',
      'line 2, column 1: found something that is not YAML',
    ],
    ['a field twice', 'image: a\nport: 1\nimage: b\n', 'line 3, column 1: found a field for the second time'],
    [
      'a name twice, deeper',
      'image: a\nenvironment:\n  A: 1\n  A: 2\n',
      'line 4, column 3: found a field for the second time',
    ],
    ['an unknown alias', 'image: *x\n', 'found an alias without its anchor'],
    ['two documents', 'image: a\n---\nimage: b\n', 'line 3: found a second document, expected one spec'],
  ])('%s', (_rule, text, beginning) => {
    const [first = '', ...others] = problemsOf(text);
    expect(first).toContain(beginning);
    expect(others).toEqual([]);
  });

  test('aliases that multiply are refused, not expanded', () => {
    const lines = ['a: &a [x, x, x, x, x, x, x, x, x]'];
    for (let index = 1; index < 9; index += 1) {
      const [name, before] = ['abcdefghi'[index], 'abcdefghi'[index - 1]];
      lines.push(`${name}: &${name} [${Array(9).fill(`*${before}`).join(', ')}]`);
    }
    expect(problemsOf(lines.join('\n'))[0]).toContain('too many aliases');
  });

  test('any text gets an answer', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (text) => {
        const result = parseSpec(text);
        expect(result.ok || result.problems.length > 0).toBe(true);
      }),
      { numRuns: 100 },
    );
  });
});

describe('a text that is far too large', () => {
  test('is refused before it is read', () => {
    const text = `image: a\nenvironment: {A: ${'x'.repeat(65_536)}}\n`;
    expect(problemsOf(text)).toEqual([`found a text of ${text.length} characters, expected at most 65536`]);
  });

  test('gets a hundred problems and no more', () => {
    const lines = Array.from({ length: 1000 }, (_, index) => `unknown${index}: 1`);
    expect(problemsOf(`image: a\n${lines.join('\n')}`)).toHaveLength(100);
    const entries = Array.from({ length: 1000 }, (_, index) => `- A${index}`);
    expect(problemsOf(`image: a\nenvironment:\n${entries.join('\n')}`)).toHaveLength(100);
  });
});

describe('problems', () => {
  test('come all at once, in the order of the text, with their lines', () => {
    const text = [
      'image: shop/web:v1',
      'replicas: many',
      'privileged: true',
      'healthcheck: {http: health, tcp: true}',
      'strategy:',
      '  type: canary',
      '  monitr: 1s',
      '  steps:',
      '    - weight: 50',
      '    - weight: 0',
      '    - weight: 10',
      'environment:',
      '  - A',
    ].join('\n');
    expect(problemsOf(text).map((problem) => problem.replace(/: (found|no such).*/, ''))).toEqual([
      'line 1: image',
      'line 2: replicas',
      'line 3: privileged',
      'line 4: healthcheck.http',
      'line 4: healthcheck',
      'line 7: strategy.monitr',
      'line 10: strategy.steps[1].weight',
      'line 11: strategy.steps[2].weight',
      'line 13: environment[0]',
    ]);
  });

  test('never quote what may be a secret', () => {
    const text =
      'image: a\nenvironment: {PASSWORD: [hunter2]}\nlabels: {x: {y: hunter2}}\nlogging: {options: {k: [hunter2]}}';
    expect(problemsOf(text)).toHaveLength(3);
    expect(problemsOf(text).join()).not.toContain('hunter2');
    for (const text of [
      'image: a\nenvironment: [PASSWORD hunter2]',
      'image: a\nenvironment: PASSWORD=hunter2',
      'USER=shop\nPASSWORD=hunter2\n',
    ])
      expect(problemsOf(text).join()).toMatch(/^(?!.*hunter2).*expected/);
  });

  test.each([
    ['an alias', 'PASSWORD: *hunter2'],
    ['a tag', 'PASSWORD: !hunter2 x'],
    ['a reserved character', 'PASSWORD: @hunter2'],
    ['a percent sign', 'PASSWORD: "x"hunter2'],
    ['a colon too many', 'PASSWORD: a: hunter2'],
    ['a bracket', 'PASSWORD: ]hunter2'],
    ['an open quote', 'PASSWORD: "hunter2'],
    ['a tab', '\tPASSWORD: hunter2'],
  ])('that are of YAML do not quote it either: %s', (_rule, line) => {
    const problems = problemsOf(`image: a\nenvironment:\n  ${line}\n`);
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.join()).not.toContain('hunter2');
  });

  test('have parts for a program', () => {
    const result = parseSpec('image: a\nreplicas: -1\n');
    expect(result).toEqual({
      ok: false,
      problems: [
        {
          path: 'replicas',
          line: 2,
          found: '-1',
          expected: 'an integer from 0 to 1000',
          message: 'replicas: found -1, expected an integer from 0 to 1000',
        },
      ],
    });
  });
});

describe('the service that a text names', () => {
  test('may be the one of its key', () => {
    const result = parseSpec('service: web\nimage: a\n', 'web');
    expect(result.ok && result.service).toBe('web');
  });
  test('may be left out', () => {
    const result = parseSpec('image: a\n', 'web');
    expect(result.ok && result.service).toBe(null);
  });
  test('must not be another', () => {
    expect(problemsOf('image: a\nservice: shop\n', 'web')).toEqual([
      'line 2: service: found "shop", expected web, as in the key',
    ]);
  });
});

describe('values that are texts whatever they look like', () => {
  test('stay as written', () => {
    const text =
      'image: a\nenvironment: {A: 1.10, B: 0755, C: yes, D: 12345678901234567890, E: 2024-01-01, F: true, G: "x"}\n';
    const result = parseSpec(text);
    expect(result.ok && result.spec.settings.container.environment).toEqual({
      A: '1.10',
      B: '0755',
      C: 'yes',
      D: '12345678901234567890',
      E: '2024-01-01',
      F: 'true',
      G: 'x',
    });
  });

  test('so does the value of a preview header', () => {
    const text = 'image: a\nport: 1\nstrategy: {type: blue-green, preview: {header: {X-Preview: 1.10}}}\n';
    expect(parseSpec(text)).toMatchObject({
      spec: { strategy: { preview: { header: { name: 'x-preview', value: '1.10' } } } },
    });
  });

  test('and of a match in a step', () => {
    const steps = '[{pause: 1s}, {match: {header: {X-Beta: 1.10}, cookie: {beta: 01}}}]';
    expect(parseSpec(`image: a\nport: 1\nstrategy: {type: canary, steps: ${steps}}\n`)).toMatchObject({
      spec: {
        strategy: {
          steps: [
            { kind: 'pause' },
            { match: { header: { name: 'x-beta', value: '1.10' }, cookie: { name: 'beta', value: '01' } } },
          ],
        },
      },
    });
  });

  test('YAML 1.2: `no` is a word, so `restart: no` needs no quotes', () => {
    const result = parseSpec('image: a\nrestart: no\n');
    expect(result.ok && result.spec.settings.container.restart).toBe('no');
  });

  test('merge keys work as in Compose', () => {
    const result = parseSpec(
      'image: a\nhealthcheck: &h {tcp: true}\nport: 80\nproxy: {park: {timeout: 1s}}\n',
    );
    const merged = parseSpec('image: a\nport: 80\nhealthcheck:\n  <<: {retries: 7}\n  tcp: true\n');
    expect(result.ok).toBe(true);
    expect(merged.ok && merged.spec.settings.healthcheck.retries).toBe(7);
  });
});
