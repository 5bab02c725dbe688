// A target that is only a socket: it answers what a test gives it, byte by byte.
import { createServer as createTcpServer } from 'node:net';
import { entryOf, type Rig } from './rig.ts';

/** A target of raw bytes: what it is sent, and what it answers with. */
export async function rawTarget(
  rig: Rig,
  onText: (text: string, write: (text: string) => void, end: () => void) => void,
): Promise<string> {
  const server = createTcpServer((socket) => {
    let text = '';
    socket.on('error', () => socket.destroy());
    socket.setEncoding('latin1');
    socket.on('data', (chunk) => {
      text += chunk;
      onText(
        text,
        (answer) => socket.write(answer, 'latin1'),
        () => socket.destroy(),
      );
    });
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  rig.onClose(async () => {
    server.close();
  });
  const address = server.address();
  return `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
}

export function rawEntry(address: string, more = {}) {
  return entryOf([], { targets: [{ revision: 1, address }], ...more });
}

/** Where nobody listens any more. */
export async function deadAddress(): Promise<string> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
}
