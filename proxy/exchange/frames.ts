// WebSocket frames as far as a tunnel needs them (RFC 6455 5.2): where one ends, and the one that says goodbye. Reads
// no payload.
import { randomBytes } from 'node:crypto';

/** Follows one direction from its first byte. */
export class FrameTracker {
  readonly #head = new Uint8Array(14);
  #known = 0;
  #payloadLeft = 0;

  /** Another frame may be put in here: a control frame may also stand between the parts of a message. */
  get isBetweenFrames(): boolean {
    return this.#known === 0 && this.#payloadLeft === 0;
  }

  note(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#payloadLeft > 0) {
        const skipped = Math.min(this.#payloadLeft, bytes.length - at);
        this.#payloadLeft -= skipped;
        at += skipped;
        continue;
      }
      this.#head[this.#known] = bytes[at] ?? 0;
      this.#known += 1;
      at += 1;
      if (this.#known < this.#headLength()) continue;
      this.#payloadLeft = this.#payloadLength();
      this.#known = 0;
    }
  }

  #headLength(): number {
    if (this.#known < 2) return 2;
    const second = this.#head[1] ?? 0;
    const short = second & 0x7f;
    return 2 + (short === 127 ? 8 : short === 126 ? 2 : 0) + (second >= 0x80 ? 4 : 0);
  }

  #payloadLength(): number {
    const view = new DataView(this.#head.buffer);
    const short = view.getUint8(1) & 0x7f;
    if (short === 127) return Number(view.getBigUint64(2));
    return short === 126 ? view.getUint16(2) : short;
  }
}

/** Close, 1001: going away. What goes to a server is masked. */
export function composeGoingAway(isMasked: boolean): Buffer {
  if (!isMasked) return Buffer.from([0x88, 2, 0x03, 0xe9]);
  const mask = randomBytes(4);
  return Buffer.from([0x88, 0x82, ...mask, 0x03 ^ (mask[0] ?? 0), 0xe9 ^ (mask[1] ?? 0)]);
}
