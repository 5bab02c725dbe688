// Bytes that are only lent: they stand in memory that the next read overwrites, so what cannot wait is copied. Small pieces
// become text, large ones go into memory that is given back once they are written, and used again: made anew for each piece
// it would be garbage outside of the heap, of which tens of megabytes gather before it is collected.

/** As much as is read from a connection in one go. */
export const READ_BYTES = 65_536;
/** As text, byte by byte, what is small goes out together with what stands around it. */
export const MAX_TEXT_BYTES = 8_192;
/** Beyond what is being written at the moment. */
const MOST_FREE = 64;

const free: Buffer[] = [];

/** Where bytes go. */
export interface Sink {
  /** `done`: what the piece is made of is nobody's any more. */
  write(piece: Buffer, done?: (error?: Error | null) => void): boolean;
}

/** Returns what the sink returns. */
export function writeLent(sink: Sink, piece: Buffer): boolean {
  if (piece.length > READ_BYTES) return sink.write(Buffer.from(piece));
  const memory = free.pop() ?? Buffer.allocUnsafeSlow(READ_BYTES);
  piece.copy(memory);
  return sink.write(memory.subarray(0, piece.length), (error) => {
    // What could not be written may be in the system's hands for a moment more.
    if (error == null && free.length < MOST_FREE) free.push(memory);
  });
}
