// Streams in pieces of every size: what is read must not depend on where the pieces end.
import { PassThrough, Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { RuntimeFailure } from '../../deploy/errors.ts';
import { readJsonLines, readLogLines } from '../../deploy/line-reader.ts';
import { PullProgress } from '../../deploy/pull-progress.ts';

const frame = (channel: number, text: string): Buffer => {
  const payload = Buffer.from(text);
  const header = Buffer.alloc(8);
  header.writeUInt8(channel, 0);
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
};
const inPieces = (bytes: Buffer, size: number): Readable =>
  Readable.from(
    Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
      bytes.subarray(i * size, (i + 1) * size),
    ),
  );

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

test.each([1, 3, 7, 8, 9, 1000])('framed logs in pieces of %i bytes', async (size) => {
  const bytes = Buffer.concat([
    frame(1, 'über\nha'),
    frame(2, 'error\r\n'),
    frame(1, ''),
    frame(1, 'lf\nlast'),
  ]);
  expect(await collect(readLogLines(inPieces(bytes, size), false, 'log'))).toEqual([
    'über',
    'error',
    'half',
    'last',
  ]);
});

test('a TTY’s log is not framed, whatever its bytes look like', async () => {
  const bytes = Buffer.concat([Buffer.from([1, 0, 0, 0, 255, 255, 255, 255]), Buffer.from('x\r\ny\n')]);
  const lines = await collect(readLogLines(inPieces(bytes, 5), true, 'log'));
  expect(lines).toHaveLength(2);
  expect(lines[1]).toBe('y');
});

test('a line without an end is cut at 4 KiB and costs no more', async () => {
  const bytes = Buffer.concat([frame(1, 'x'.repeat(100_000)), frame(1, '\nnext\n')]);
  const lines = await collect(readLogLines(inPieces(bytes, 4096), false, 'log'));
  // With room for the engine's time before it.
  expect(lines.map((line) => line.length)).toEqual([4096 + 40, 4]);
});

test.each([1, 2, 11, 500])('JSON lines in pieces of %i bytes', async (size) => {
  const bytes = Buffer.from('{"a":"ü"}\r\n\n{"b":2}\n{"c":3}');
  expect(await collect(readJsonLines(inPieces(bytes, size), 'pull'))).toEqual([
    { a: 'ü' },
    { b: 2 },
    { c: 3 },
  ]);
});

test.each([
  ['no JSON', 'nonsense\n', 'not a JSON object'],
  ['no object', '[1]\n', 'not a JSON object'],
  ['a half line at the end', '{"a":1}\n{"b', 'not a JSON object'],
  ['a line without an end', 'x'.repeat(2_000_000), 'a line without an end'],
])('%s is a failure of its own, never an uncaught one', async (_name, text, words) => {
  const read = collect(readJsonLines(inPieces(Buffer.from(text), 65_536), 'pull'));
  await expect(read).rejects.toMatchObject({ code: 'engine-error', message: expect.stringContaining(words) });
});

test('a stream that breaks is an engine that is unavailable', async () => {
  const stream = new PassThrough();
  stream.write('{"a":1}\n');
  setImmediate(() => stream.destroy(Object.assign(new Error('aborted'), { code: 'ECONNRESET' })));
  await expect(collect(readJsonLines(stream, 'pull'))).rejects.toMatchObject({
    code: 'engine-unavailable',
  });
});

test('a stream that we gave up ends quietly, a half line in it or not', async () => {
  const stream = new PassThrough();
  stream.write('{"a":1}\n{"b');
  setImmediate(() => stream.destroy(new RuntimeFailure('cancelled', 'given up')));
  expect(await collect(readJsonLines(stream, 'pull'))).toEqual([{ a: 1 }]);
});

test('progress is summed over layers; the digest and the end are recognised', () => {
  const progress = new PullProgress();
  const seen = [
    { status: 'Pulling from web', id: 'v1' },
    { status: 'Pulling fs layer', id: 'a' },
    { status: 'Downloading', id: 'a', progressDetail: { current: 1_000_000, total: 4_000_000 } },
    { status: 'Downloading', id: 'b', progressDetail: { current: 500_000, total: 1_000_000 } },
    { status: 'Download complete', id: 'b' },
    { status: 'Pull complete', id: 'a' },
  ].map((line) => [progress.push(line), progress.describe()]);
  expect(seen.map(([failure]) => failure)).toEqual([null, null, null, null, null, null]);
  expect(seen.map(([, line]) => line)).toEqual([
    'pulling',
    'pulling',
    'pulling 25 % (1.0 of 4.0 MB)',
    'pulling 30 % (1.5 of 5.0 MB)',
    'pulling 40 % (2.0 of 5.0 MB)',
    'pulling 100 % (5.0 of 5.0 MB)',
  ]);
  expect([progress.digest, progress.isComplete]).toEqual([null, false]);
  const digest = `sha256:${'b'.repeat(64)}`;
  progress.push({ status: `Digest: ${digest}` });
  expect([progress.digest, progress.isComplete]).toEqual([digest, true]);
});

test.each([
  ['errorDetail', { error: 'short', errorDetail: { message: 'long' } }, 'long'],
  ['error alone', { error: 'short' }, 'short'],
])('a line with %s carries the failure', (_name, line, message) => {
  expect(new PullProgress().push(line)).toBe(message);
});
