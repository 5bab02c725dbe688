// A minimal WebSocket echo (RFC 6455): every data frame comes back as it was, a ping gets its pong, a close its close.
// Neither extensions nor subprotocols.
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const OPCODE_CLOSE = 8;
const OPCODE_PING = 9;
const OPCODE_PONG = 10;
/** A client that does not answer a close must not keep the server. */
const CLOSE_TIMEOUT_MS = 500;
const GOING_AWAY = Buffer.from([0x03, 0xe9]);

interface Frame {
  readonly fin: boolean;
  readonly opcode: number;
  readonly payload: Buffer;
  /** What follows the frame. */
  readonly rest: Buffer;
}

export interface Identity {
  readonly version: string;
  readonly replica: string;
}

/** Accepts the upgrade and echoes until either side closes; returns what closes it with 1001, going away. */
export function acceptEcho(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  { version, replica }: Identity,
): () => void {
  const key = request.headers['sec-websocket-key'];
  if (request.headers.upgrade?.toLowerCase() !== 'websocket' || key === undefined) {
    socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    return () => undefined;
  }
  const accept = createHash('sha1').update(`${key}${GUID}`).digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nX-Version: ${version}\r\nX-Replica: ${replica}\r\n\r\n`,
  );
  let pending: Buffer = head;
  const receive = (chunk: Buffer): void => {
    pending = answerFrames(socket, Buffer.concat([pending, chunk]));
  };
  socket.on('data', receive);
  socket.on('error', () => socket.destroy());
  receive(Buffer.alloc(0));
  return () => {
    socket.end(encodeFrame(true, OPCODE_CLOSE, GOING_AWAY));
    setTimeout(() => socket.destroy(), CLOSE_TIMEOUT_MS).unref();
  };
}

/** Answers every whole frame and returns what is left over. */
function answerFrames(socket: Duplex, bytes: Buffer): Buffer {
  let pending = bytes;
  for (let frame = decodeFrame(pending); frame !== null; frame = decodeFrame(pending)) {
    pending = frame.rest;
    if (frame.opcode === OPCODE_CLOSE) {
      socket.end(encodeFrame(true, OPCODE_CLOSE, frame.payload));
    } else if (frame.opcode === OPCODE_PING) {
      socket.write(encodeFrame(true, OPCODE_PONG, frame.payload));
    } else if (frame.opcode !== OPCODE_PONG) {
      socket.write(encodeFrame(frame.fin, frame.opcode, frame.payload));
    }
  }
  return pending;
}

function decodeFrame(bytes: Buffer): Frame | null {
  if (bytes.length < 2) return null;
  const short = bytes.readUInt8(1) & 0x7f;
  const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
  const isMasked = (bytes.readUInt8(1) & 0x80) !== 0;
  const start = 2 + lengthBytes + (isMasked ? 4 : 0);
  if (bytes.length < start) return null;
  const length =
    lengthBytes === 2 ? bytes.readUInt16BE(2) : lengthBytes === 8 ? Number(bytes.readBigUInt64BE(2)) : short;
  if (bytes.length < start + length) return null;
  const payload = Buffer.from(bytes.subarray(start, start + length));
  if (isMasked) unmask(payload, bytes.subarray(start - 4, start));
  const first = bytes.readUInt8(0);
  return { fin: (first & 0x80) !== 0, opcode: first & 0x0f, payload, rest: bytes.subarray(start + length) };
}

function unmask(payload: Buffer, mask: Buffer): void {
  for (const [index, byte] of payload.entries()) payload[index] = byte ^ mask.readUInt8(index % 4);
}

function encodeFrame(fin: boolean, opcode: number, payload: Buffer): Buffer {
  const lengthBytes = payload.length < 126 ? 0 : payload.length < 65_536 ? 2 : 8;
  const header = Buffer.alloc(2 + lengthBytes);
  header.writeUInt8((fin ? 0x80 : 0) | opcode, 0);
  header.writeUInt8(lengthBytes === 0 ? payload.length : lengthBytes === 2 ? 126 : 127, 1);
  if (lengthBytes === 2) header.writeUInt16BE(payload.length, 2);
  if (lengthBytes === 8) header.writeBigUInt64BE(BigInt(payload.length), 2);
  return Buffer.concat([header, payload]);
}
