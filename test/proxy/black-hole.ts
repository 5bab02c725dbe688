// An address where connecting neither succeeds nor fails, as at a container that has just been removed: a listener that
// never accepts, with its backlog full.
import { connect, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';

const LISTENER = `
const { createServer } = require('node:net');
const { parentPort } = require('node:worker_threads');
const server = createServer();
server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  parentPort.postMessage(server.address().port);
  setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0), 50);
});
`;

export interface BlackHole {
  readonly address: string;
  close(): Promise<void>;
}

export async function openBlackHole(): Promise<BlackHole> {
  const worker = new Worker(LISTENER, { eval: true });
  const port = await new Promise<number>((resolve) => worker.once('message', resolve));
  await new Promise((resolve) => setTimeout(resolve, 150));
  const fillers: Socket[] = [];
  for (let count = 0; count < 16; count += 1) {
    const filler = connect(port, '127.0.0.1');
    filler.on('error', () => filler.destroy());
    fillers.push(filler);
    await new Promise((resolve) => setTimeout(resolve, 100));
    if (filler.connecting) break;
  }
  const close = async (): Promise<void> => {
    for (const filler of fillers) filler.destroy();
    await worker.terminate();
  };
  if (fillers.at(-1)?.connecting !== true) {
    await close();
    throw new Error('Every connection was taken: the backlog does not fill here.');
  }
  return { address: `127.0.0.1:${port}`, close };
}
