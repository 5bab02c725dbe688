// What a request is called, in its answer, at its target and in the access log. Random through and through: a name that
// counted would cost the same, and tell every client how many others there are.
import { randomFillSync } from 'node:crypto';

const ID_BYTES = 16;
const MAX_LENGTH = 128;
/** Randomness for 256 names at a time: asked for one by one, as `randomUUID` does with its text, it costs twice as much. */
const pool = Buffer.allocUnsafeSlow(256 * ID_BYTES);
let used = pool.length;

/** 32 hexadecimal digits. */
export function makeRequestId(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += ID_BYTES;
  return pool.toString('hex', used - ID_BYTES, used);
}

/** The one that a trusted peer gave, when it is plain enough to be logged, otherwise a new one. Empty: none was given. */
export function chooseRequestId(given: string): string {
  return given !== '' && given.length <= MAX_LENGTH && !/[^\x21-\x7e]/.test(given) ? given : makeRequestId();
}
