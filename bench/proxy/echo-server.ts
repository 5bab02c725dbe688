// The backend for what files cannot do, as a program: `PORT`. Answers an upload with its length, echoes WebSockets. A proxy
// that does not say whom it speaks for is refused: all are to do the same work.
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

const IDLE_MS = 300_000;

const server = createServer({ keepAliveTimeout: IDLE_MS }, (request, response) => {
  if (request.headers['x-forwarded-for'] === undefined) response.statusCode = 400;
  let length = 0;
  request.on('data', (chunk: Buffer) => {
    length += chunk.length;
  });
  request.once('end', () => response.end(String(length)));
});
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
sockets.on('connection', (socket) => socket.on('message', (message) => socket.send(message)));
server.listen({ port: Number(process.argv[2]), host: '127.0.0.1', backlog: 4096 });
process.once('SIGTERM', () => process.exit());
