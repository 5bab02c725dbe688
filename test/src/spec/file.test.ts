// Files with specs: documents, names, comments, and a Compose file told apart.
import { describe, expect, test } from 'vitest';
import { parseSpecFile } from '../../../src/spec/file.ts';
import { parseSpec } from '../../../src/spec/parse.ts';
import { formatProblems } from '../../../src/spec/problem.ts';

const namesOf = (text: string) => {
  const result = parseSpecFile(text, 'web.yaml');
  return result.ok ? result.specs.map((spec) => spec.service) : formatProblems(result.problems, 'web.yaml');
};

test('Windows line ends make no difference', () => {
  const result = parseSpecFile('---\r\nservice: a\r\nimage: x\r\n---\r\nservice: b\r\nimage: y\r\n', 'f');
  expect(result.ok && result.specs.map(({ text }) => text)).toEqual([
    'service: a\r\nimage: x\n',
    'service: b\r\nimage: y\n',
  ]);
});

test('a document that would be refused in the store for its length is refused here', () => {
  const long = `service: b\nimage: y\nenvironment: {A: ${'x'.repeat(65_536)}}\n`;
  expect(namesOf(`service: a\nimage: x\n---\n${long}`)).toEqual([
    expect.stringMatching(/^web\.yaml:4: found a text of \d+ characters, expected at most 65536$/),
  ]);
});

describe('documents', () => {
  test.each([
    ['one', 'service: a\nimage: x\n', ['a']],
    ['two', 'service: a\nimage: x\n---\nservice: b\nimage: y\n', ['a', 'b']],
    ['empty ones are left out', '---\nservice: a\nimage: x\n---\n# nothing\n---\n', ['a']],
    ['JSON', '{"service":"a","image":"x"}', ['a']],
    [
      'none',
      '# nothing\n',
      ['web.yaml: found no document, expected `service: NAME` at the top of each document'],
    ],
    [
      'no name',
      'image: x\n',
      ['web.yaml:1: service: found nothing, expected `service: NAME` at the top of each document'],
    ],
    [
      'the same twice',
      'service: a\nimage: x\n---\nservice: a\nimage: y\n',
      ['web.yaml:4: service: found a once more, expected each service once'],
    ],
    ['not a map', '- a\n', ['web.yaml:1: found a list, expected a map']],
    [
      'problems of all documents',
      'service: a\nimage: x:1\n---\nservice: b\n',
      [
        expect.stringContaining('web.yaml:2: image: found "x:1"'),
        expect.stringContaining('image: found nothing'),
      ],
    ],
    [
      'not YAML',
      'a: [',
      [expect.stringContaining('web.yaml:1: line 1, column 5: found something that is not YAML')],
    ],
  ])('%s', (_rule, text, expected) => expect(namesOf(text)).toEqual(expected));

  test('a Compose file is told what to become', () => {
    const [problem = '', ...others] = namesOf('version: "3"\nservices:\n  web: {image: x}\n');
    expect(others).toEqual([]);
    expect(problem).toMatch(
      /^web\.yaml:2: services: found a Compose file, expected one document per service/,
    );
  });

  test('the text that is stored keeps its comments, loses its divider, and is a spec by itself', () => {
    const result = parseSpecFile(
      '# shop\nservice: a\nimage: x # here\n...\n---\n# other\nservice: b\nimage: y\n',
      'f',
    );
    if (!result.ok) throw new Error('the file is valid');
    expect(result.specs.map((spec) => spec.text)).toEqual([
      '# shop\nservice: a\nimage: x # here\n',
      '# other\nservice: b\nimage: y\n',
    ]);
    for (const { text, service, spec, hash } of result.specs) {
      expect(parseSpec(text, service)).toEqual({ ok: true, service, spec, hash });
    }
  });
});
