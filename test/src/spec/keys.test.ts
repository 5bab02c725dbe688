// The values of the version, weights and command keys.
import { describe, expect, test } from 'vitest';
import { parseCommand } from '../../../src/spec/command.ts';
import { parseVersion } from '../../../src/spec/version.ts';
import { parseWeights } from '../../../src/spec/weights.ts';

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;
const good = (value: unknown) => ({ ok: true, value });
const bad = (problem: string) => ({ ok: false, problem: expect.stringContaining(problem) });

describe('version', () => {
  test.each([
    ['a tag', 'v2.0', good('v2.0')],
    ['a tag with an underscore in front', '_x-1.2', good('_x-1.2')],
    ['a line end at the end', 'v2\n', good('v2')],
    ['a Windows line end', 'v2\r\n', good('v2')],
    ['a digest', DIGEST, good(DIGEST)],
    ['128 characters', 'a'.repeat(128), good('a'.repeat(128))],
    ['129 characters', 'a'.repeat(129), bad('expected a tag such as v2.0')],
    ['nothing', '', bad('found nothing')],
    ['two line ends', 'v2\n\n', bad('found "v2\\n"')],
    ['a space', 'v2 ', bad('found "v2 "')],
    ['a dot in front', '.v2', bad('found ".v2"')],
    ['another repository', 'evil.example.com/x:v2', bad('the repository comes from the spec')],
    ['another repository by digest', `evil@${DIGEST}`, bad('the repository comes from the spec')],
    ['half a digest', 'sha256:abcd', bad('found "sha256:abcd"')],
    ['a digest in capitals', DIGEST.toUpperCase(), bad('expected a tag')],
  ])('%s', (_rule, text, expected) => expect(parseVersion(text)).toEqual(expected));
});

describe('weights', () => {
  test.each([
    ['pairs', 'v1=90,v2=10', good({ v1: 90, v2: 10 })],
    ['spaces and a line end', ' v1 = 90 , v2=10\n', good({ v1: 90, v2: 10 })],
    ['JSON', '{"v1":90,"v2":10}', good({ v1: 90, v2: 10 })],
    ['one', 'v1=100', good({ v1: 100 })],
    ['a zero', 'v1=100,v2=0', good({ v1: 100, v2: 0 })],
    ['digests', `${DIGEST}=100`, good({ [DIGEST]: 100 })],
    ['nothing', '', bad('found nothing')],
    ['sum below', 'v1=90,v2=9', bad('sum to 99')],
    ['sum above', '{"v1":90,"v2":11}', bad('sum to 101')],
    ['a fraction', 'v1=90.5,v2=9.5', bad('v1: found "90.5"')],
    ['a fraction in JSON', '{"v1":90.5,"v2":9.5}', bad('v1: found 90.5')],
    ['negative', '{"v1":110,"v2":-10}', bad('v1: found 110')],
    ['a text in JSON', '{"v1":"100"}', bad('v1: found "100"')],
    ['percent signs', 'v1=90%,v2=10%', bad('v1: found "90%"')],
    ['a version twice', 'v1=50,v1=50', bad('v1 twice')],
    ['no version', '=100', bad('found nothing, expected a tag')],
    ['no weight', 'v1', bad('found nothing, expected a tag')],
    ['a bad version', 'a/b=100', bad('the repository comes from the spec')],
    ['broken JSON', '{"v1":', bad('the JSON does not parse')],
    ['an empty map', '{}', bad('sum to 0')],
  ])('%s', (_rule, text, expected) => expect(parseWeights(text)).toEqual(expected));
});

describe('command', () => {
  test.each([
    ...['promote', 'pause', 'resume', 'abort', 'retry', 'restart', 'rollback'].map(
      (word) => [word, word, good({ word, to: null })] as const,
    ),
    ['a line end', 'promote\n', good({ word: 'promote', to: null })],
    ['rollback to a revision', 'rollback 7', good({ word: 'rollback', to: 7 })],
    ['rollback to no number', 'rollback v1', bad('found "v1", expected a revision number')],
    ['rollback to zero', 'rollback 0', bad('expected a revision number')],
    ['rollback to two', 'rollback 1 2', bad('found "1 2"')],
    ['another word', 'stop', bad('found "stop", expected one of promote, pause')],
    ['in capitals', 'PROMOTE', bad('found "PROMOTE"')],
    ['a word too many', 'promote now', bad('found "now" after promote')],
    ['nothing', ' ', bad('found nothing')],
  ] as const)('%s', (_rule, text, expected) => expect(parseCommand(text)).toEqual(expected));
});
