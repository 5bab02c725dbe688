// Which line is which in a container's log: the engine writes its time before each line, and this takes it off again.
// A reader that comes back says behind which line it goes on.
import { MAX_LOG_LINE } from './line-reader.ts';
import type { LogLine, LogMark } from './runtime.ts';

const STAMP = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)(?: |$)/;

/** Lines as the engine sends them, with its time before each → those behind `after`. */
export async function* markLines(
  lines: AsyncIterable<string>,
  after: LogMark | null,
): AsyncGenerator<LogLine> {
  let last: LogMark | null = null;
  for await (const line of lines) {
    const { at, text } = splitLine(line);
    if (at === null) {
      yield { text, mark: null };
      continue;
    }
    last = advance(last, at);
    if (after === null || isBehind(last, after)) yield { text, mark: last };
  }
}

function splitLine(line: string): { readonly at: string | null; readonly text: string } {
  const match = STAMP.exec(line);
  if (match === null) return { at: null, text: line.slice(0, MAX_LOG_LINE) };
  const [stamp, second, fraction = '', zone] = match;
  const at = `${Date.parse(`${second}${zone}`) / 1000}.${fraction.padEnd(9, '0')}`;
  return { at, text: line.slice(stamp.length, stamp.length + MAX_LOG_LINE) };
}

// Two streams are written by two writers: a line may bear an earlier time than the one before it.
function advance(last: LogMark | null, at: string): LogMark {
  if (last === null || last.at < at) return { at, place: 1 };
  return { at: last.at, place: last.place + 1 };
}

function isBehind(mark: LogMark, after: LogMark): boolean {
  return mark.at === after.at ? mark.place > after.place : mark.at > after.at;
}
