// When a stream of HTTP/2 has ended, in the order in which node tells of it: an end by the other side, then that it is closed.
import type { Http2Stream } from 'node:http2';
import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { endOnlyWhole } from '../../../proxy/targets/stream-end.ts';

/** Notes what it is given, and how it ends. */
class Told {
  closed = false;
  readonly log: string[] = [];

  push(chunk: unknown): boolean {
    this.log.push(chunk === null ? 'end' : String(chunk));
    return true;
  }

  destroy(): void {
    this.log.push('destroyed');
  }
}

function watch(isKept: boolean): Told {
  const stream = new Told();
  endOnlyWhole(stream as unknown as Http2Stream, isKept);
  return stream;
}

it.each([true, false])('one that was reset has no end (kept: %s)', async (isKept) => {
  const stream = watch(isKept);
  stream.push('half');
  stream.closed = true;
  stream.push(null);
  await setImmediate();
  expect(stream.log).toEqual(['half', 'destroyed']);
});

it('what is whole is still there for who reads it later', async () => {
  const stream = watch(true);
  stream.push(null);
  stream.closed = true;
  stream.push(null);
  await setImmediate();
  expect(stream.log).toEqual(['end', 'end']);
});

it('or goes with the stream, where nobody reads it any more', async () => {
  const stream = watch(false);
  stream.push(null);
  stream.closed = true;
  stream.push(null);
  await setImmediate();
  expect(stream.log).toEqual(['end', 'destroyed']);
});
