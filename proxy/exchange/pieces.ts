// Memory for the large pieces of bodies that clients have still to take: given back once they are written, and used again.
// What is made anew for each piece is garbage outside of the heap, of which tens of megabytes gather before it is collected.
import type { ClientResponse } from '../clients/conversation.ts';

/** As much as is read from a target in one go. */
const SIZE = 65_536;
/** Beyond what clients take at the moment. */
const MOST_FREE = 64;

const free: Buffer[] = [];

/** The piece is only lent: it is copied. False when no more should come before the response has drained. */
export function writeLent(response: ClientResponse, piece: Buffer): boolean {
  if (piece.length > SIZE) return response.write(Buffer.from(piece));
  const memory = free.pop() ?? Buffer.allocUnsafeSlow(SIZE);
  piece.copy(memory);
  const { socket } = response;
  const mayGoOn = response.write(memory.subarray(0, piece.length), (error) => {
    // What could not be written may be in the system's hands for a moment more.
    if (error == null && free.length < MOST_FREE) free.push(memory);
  });
  // A large piece alone asks for a drain, also when the system has taken all of it by now.
  return mayGoOn || socket?.writableLength === 0;
}
