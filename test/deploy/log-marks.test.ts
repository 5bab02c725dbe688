import { describe, expect, test } from 'vitest';
import { markLines } from '../../deploy/log-marks.ts';
import type { LogLine, LogMark } from '../../deploy/runtime.ts';

async function mark(lines: readonly string[], after: LogMark | null = null): Promise<readonly LogLine[]> {
  async function* all() {
    yield* lines;
  }
  const marked: LogLine[] = [];
  for await (const line of markLines(all(), after)) marked.push(line);
  return marked;
}

const at = (fraction: string) => `2026-01-01T00:00:01${fraction}`;

describe('the time that the engine writes before a line', () => {
  test.each([
    ['nine decimals', at('.000000001Z hello'), 'hello', '1767225601.000000001'],
    ['fewer', at('.5Z hello'), 'hello', '1767225601.500000000'],
    ['none', at('Z hello'), 'hello', '1767225601.000000000'],
    ['another zone', at('.5+01:00 hello'), 'hello', '1767222001.500000000'],
    ['an empty line', at('.5Z '), '', '1767225601.500000000'],
    ['a line that begins with blanks', at('.5Z   x'), '  x', '1767225601.500000000'],
    [
      'a line with a time of its own',
      `${at('.5Z')} ${at('.4Z hello')}`,
      at('.4Z hello'),
      '1767225601.500000000',
    ],
  ])('is taken off and kept: %s', async (_, line, text, time) => {
    expect(await mark([line])).toEqual([{ text, mark: { at: time, place: 1 } }]);
  });

  test('may be missing', async () => {
    expect(await mark(['hello'])).toEqual([{ text: 'hello', mark: null }]);
  });
});

describe('going on behind a line', () => {
  const LINES = [at('.1Z a'), at('.2Z b'), at('.2Z c'), at('.3Z d')];
  const RESTS = ['bcd', 'cd', 'd', ''];

  test.each(RESTS.map((rest, index) => [rest, index] as const))(
    'leaves %j, and nothing twice',
    async (rest, index) => {
      const after = (await mark(LINES))[index]?.mark ?? null;
      expect((await mark(LINES, after)).map(({ text }) => text).join('')).toBe(rest);
    },
  );

  // As the engine answers: it leaves out what is older than the time that it is given.
  test('is as good when the engine has left out what is older', async () => {
    const after = (await mark(LINES))[1]?.mark ?? null;
    expect((await mark(LINES.slice(1), after)).map(({ text }) => text)).toEqual(['c', 'd']);
  });

  test('leaves out no line whose time stands before that of the one above it', async () => {
    const lines = await mark([at('.2Z out'), at('.1Z err'), at('.3Z more')]);
    expect(lines.map(({ mark }) => mark?.place)).toEqual([1, 2, 1]);
    expect(lines.map(({ text }) => text)).toEqual(['out', 'err', 'more']);
  });
});
