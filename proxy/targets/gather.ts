// Pieces that a socket was given together go out in one write where they are small: a head, a body and an end of a few
// hundred bytes cost one allocation less each, and less than half of what writing them side by side does.
import type { Socket } from 'node:net';

/** What node writes without memory of its own for it. */
const MAX_BYTES = 16_384;

interface Piece {
  readonly chunk: unknown;
  readonly encoding: BufferEncoding;
}

/** From now on, for all that is written while the socket is corked or busy. */
export function gatherWrites(socket: Socket): void {
  const writeApart = socket._writev?.bind(socket);
  if (writeApart === undefined) return;
  socket._writev = (pieces, done) => {
    const text = joinPieces(pieces);
    if (text === null) writeApart(pieces, done);
    else socket._write(text, 'latin1', done);
  };
}

/** As Latin-1 text, which is bytes one by one; null when they are too large, or in another encoding. */
function joinPieces(pieces: readonly Piece[]): string | null {
  let [text, length] = ['', 0];
  for (const { chunk, encoding } of pieces) {
    if (typeof chunk === 'string' ? encoding !== 'latin1' : !Buffer.isBuffer(chunk)) return null;
    length += (chunk as string | Buffer).length;
    if (length > MAX_BYTES) return null;
    text += typeof chunk === 'string' ? chunk : (chunk as Buffer).toString('latin1');
  }
  return text;
}
