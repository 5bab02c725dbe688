// The peer `http-proxy` as a program: `PORT BACKEND`, with connections to the backend kept alive. JavaScript: what node needs to
// read types would be in its memory, and is not in ours, which is built.
import { Agent, createServer } from 'node:http';
import httpProxy from 'http-proxy';

const IDLE_MS = 300_000;

const [port = 0, backend = 0] = process.argv.slice(2).map(Number);
const agent = new Agent({ keepAlive: true, maxFreeSockets: 256 });
const proxy = httpProxy.createProxyServer({
  target: { host: '127.0.0.1', port: backend },
  agent,
  xfwd: true,
});
const server = createServer({ keepAliveTimeout: IDLE_MS }, (request, response) =>
  proxy.web(request, response),
);
server.on('upgrade', (request, socket, head) => proxy.ws(request, socket, head));
proxy.on('error', (error, _request, answer) => {
  process.stderr.write(`${error.message}\n`);
  answer?.destroy();
});
server.listen({ port, host: '127.0.0.1', backlog: 4096 });
process.once('SIGTERM', () => process.exit());
