// Names and ports that no other test, nor another run on this machine, uses.
import { randomBytes, randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** A DNS label such as `web-3f9a1c`: the word and six hex digits. At most 33 characters of word. */
export function uniqueName(word = 't'): string {
  return `${word}-${randomBytes(3).toString('hex')}`;
}

/** A key prefix of its own, such as `/test-3f9a1c`. */
export function uniquePrefix(): string {
  return `/${uniqueName('test')}`;
}

/** Below those that the system gives to outgoing connections: one of them would take a port between the look and its use. */
const LOWEST_PORT = 10_240;
const PORTS_OF_A_WORKER = 1_360;

/** Of the test workers that run at once each has ports of its own; within one, none is given twice in a row of a thousand. */
const worker = Number(process.env.VITEST_POOL_ID ?? 0) % 16;
const firstPort = LOWEST_PORT + worker * PORTS_OF_A_WORKER;
let nextPort = randomInt(PORTS_OF_A_WORKER);

/** Loopback ports that were free a moment ago, all different. */
export async function findFreePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, listen));
  const ports = servers.map((server) => {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('listens on no port');
    return address.port;
  });
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return ports;
}

function listen(): Promise<ReturnType<typeof createServer>> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('listening', () => resolve(server));
    server.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') tryNext();
      else reject(error);
    });
    const tryNext = () => server.listen(takePort(), '127.0.0.1');
    tryNext();
  });
}

function takePort(): number {
  nextPort = (nextPort + 1) % PORTS_OF_A_WORKER;
  return firstPort + nextPort;
}
