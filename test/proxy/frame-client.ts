// A client of HTTP/2 that is only frames: sends what node's own would never send, and notes what comes back. Its header
// blocks are literals without compression, so that any name and value can be written.
import type { Duplex } from 'node:stream';

export const TYPES = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  window: 8,
  continuation: 9,
} as const;
export const FLAGS = { endStream: 1, ack: 1, endHeaders: 4 } as const;
export const CODES = { none: 0, protocol: 1, internal: 2, flow: 3, refused: 7, cancel: 8, calm: 11 } as const;

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export interface FrameClient {
  readonly frames: readonly Frame[];
  isClosed(): boolean;
  send(type: number, flags: number, stream: number, payload?: Buffer): void;
  /** Several frames in one piece. */
  write(bytes: Buffer): void;
  /** The code of the RST_STREAM for this stream, or null. */
  resetOf(stream: number): number | null;
  /** Called for each frame that comes. */
  onFrame(listener: (frame: Frame) => void): void;
  /** The code of a GOAWAY, or null. */
  goaway(): { readonly last: number; readonly code: number } | null;
  end(): void;
}

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Literal fields, never indexed (RFC 7541 6.2.3). */
export function block(fields: readonly (readonly [string, string])[]): Buffer {
  return Buffer.concat(
    fields.flatMap(([name, value]) => [Buffer.from([0x10]), literal(name), literal(value)]),
  );
}

function literal(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  return Buffer.concat([length(bytes.length), bytes]);
}

function length(value: number): Buffer {
  if (value < 127) return Buffer.from([value]);
  const bytes = [127];
  let rest = value - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest]);
}

/** A server's side begins with its settings, without the preface; a mute one with nothing. */
export function openFrames(socket: Duplex, side: 'client' | 'server' | 'mute' = 'client'): FrameClient {
  const frames: Frame[] = [];
  const listeners: ((frame: Frame) => void)[] = [];
  let [held, isClosed, skip] = [Buffer.alloc(0), false, side === 'client' ? 0 : PREFACE.length];
  socket.on('data', (bytes: Buffer) => {
    held = Buffer.concat([held, bytes]);
    if (held.length < skip) return;
    held = held.subarray(skip);
    skip = 0;
    while (held.length >= 9 && held.length >= 9 + held.readUIntBE(0, 3)) {
      const size = held.readUIntBE(0, 3);
      const found = {
        ...{ type: held[3] ?? 0, flags: held[4] ?? 0, stream: held.readUInt32BE(5) },
        payload: held.subarray(9, 9 + size),
      };
      frames.push(found);
      for (const listener of listeners) listener(found);
      held = held.subarray(9 + size);
    }
  });
  socket.on('error', () => socket.destroy());
  const close = (): void => {
    isClosed = true;
    socket.end();
  };
  socket.on('end', close);
  socket.on('close', close);
  const write = (bytes: Buffer): void => {
    if (!socket.destroyed) socket.write(bytes);
  };
  if (side === 'client') write(Buffer.from(PREFACE));
  if (side !== 'mute') write(frame(TYPES.settings, 0, 0));
  return {
    frames,
    isClosed: () => isClosed,
    send: (type, flags, stream, payload) => write(frame(type, flags, stream, payload)),
    write,
    onFrame: (listener) => void listeners.push(listener),
    resetOf: (stream) => {
      const found = frames.find((each) => each.type === TYPES.reset && each.stream === stream);
      return found === undefined ? null : found.payload.readUInt32BE(0);
    },
    goaway: () => {
      const found = frames.findLast((each) => each.type === TYPES.goaway);
      if (found === undefined) return null;
      return { last: found.payload.readUInt32BE(0), code: found.payload.readUInt32BE(4) };
    },
    end: () => socket.end(),
  };
}
