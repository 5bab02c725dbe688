// What slow clients are sent to: gives them more than the buffers of all sockets on its way hold, and takes what they send.
// A program, so that what it has to do for them is not in the way of who measures.
import { createServer } from 'node:http';

const LARGE = Buffer.alloc(4_000_000, 'large ');

function main(): void {
  const server = createServer((request, response) => {
    if (request.method !== 'POST') response.end(LARGE);
    else request.resume().once('end', () => response.end('taken'));
  });
  server.listen(Number(process.env.PORT), '127.0.0.1');
}

main();
