// Sends texts to the proxy in one segment or byte by byte, and reads the statuses of what comes back.
import { connect } from 'node:net';

export const WAYS = { 'in one segment': sendWhole, 'byte by byte': sendBytes } as const;
export type Send = (text: string, write: (bytes: Buffer) => boolean) => Promise<void>;

export async function sendWhole(text: string, write: Parameters<Send>[1]): Promise<void> {
  write(Buffer.from(text, 'latin1'));
}

async function sendBytes(text: string, write: Parameters<Send>[1]): Promise<void> {
  // Most of a long text is filling.
  const step = Math.ceil(text.length / 1_000);
  for (let at = 0; at < text.length; at += step) {
    if (!write(Buffer.from(text.slice(at, at + step), 'latin1'))) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** What comes back until the connection ends; `open` where it does not. */
export function converse(port: number, text: string, send: Send): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let received = '';
    const timer = setTimeout(() => {
      received += '[open]';
      socket.destroy();
    }, 5_000);
    socket.setEncoding('latin1');
    socket.on('data', (chunk) => {
      received += chunk;
    });
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      clearTimeout(timer);
      resolve(received);
    });
    void send(text, (bytes) => {
      if (socket.writable) socket.write(bytes);
      return socket.writable;
    });
  });
}

/** In two pieces where `cut` is above 0, with the end of the client's side behind them: half a request is not waited for. */
export function sendAndEnd(port: number, text: string, cut = 0): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    let received = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk) => {
      received += chunk;
    });
    socket.on('end', () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.once('close', () => resolve(received));
    if (cut === 0) socket.end(text, 'latin1');
    else {
      socket.write(text.slice(0, cut), 'latin1');
      setImmediate(() => socket.end(text.slice(cut), 'latin1'));
    }
  });
}

/** The statuses, in order; anything between or behind the answers is told as it is. */
export function readStatuses(received: string, text: string): (number | string)[] {
  const statuses: (number | string)[] = [];
  let rest = received;
  while (rest !== '') {
    const [head, status = ''] = /^HTTP\/1\.1 (\d{3}) [^\r]*\r\n(?:[^\r]+\r\n)*\r\n/.exec(rest) ?? [];
    if (head === undefined) return [...statuses, rest];
    const [, length = '0'] = /\r\nContent-Length: (\d+)\r\n/.exec(head) ?? [];
    const isBare = statuses.length === 0 && text.startsWith('HEAD');
    rest = rest.slice(head.length + (isBare ? 0 : Number(length)));
    statuses.push(Number(status));
  }
  return statuses;
}
