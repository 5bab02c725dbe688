// When a stream of HTTP/2 is whole. Node ends one that was reset without an error as if it were; here it is just gone then.
import type { Http2Stream } from 'node:http2';

/**
 * From now on `end` is told of what the other side has ended, and of nothing else; without it `close` is all that comes.
 * `isKept`: what is whole is still wanted when the stream has closed; a request is not, for its client is answered or gone.
 */
export function endOnlyWhole(stream: Http2Stream, isKept: boolean): void {
  const push = stream.push.bind(stream);
  let isWhole = false;
  stream.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
    if (chunk === null && !stream.closed) isWhole = true;
    if (chunk !== null || (isWhole && (isKept || !stream.closed))) return push(chunk, encoding);
    // Node is not done with it here.
    process.nextTick(() => stream.destroy());
    return false;
  };
}
