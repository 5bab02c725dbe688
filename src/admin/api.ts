// The controller's API: what is, what was, what happens; and the one way to change something. Knows no controller:
// everything comes in as functions.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { parseCommand } from '../spec/command.ts';
import { isServiceName } from '../store/keys.ts';
import { Refusal } from './errors.ts';
import type { EventStreams } from './event-stream.ts';
import { checkToken } from './token.ts';

type Answer<T> = T | Promise<T>;
type Document = Readonly<Record<string, unknown>>;

/** A live proxy: where its own admin server is reached. */
export interface ProxyTarget {
  readonly id: string;
  readonly address: string;
}

export interface ApiSources {
  /** Status documents, sorted by name. */
  readonly services: () => Answer<readonly object[]>;
  readonly service: (name: string) => Answer<object | null>;
  /** Finished rollouts, the latest first. */
  readonly history: (name: string) => Answer<readonly object[]>;
  readonly targets: () => Answer<readonly ProxyTarget[]>;
  /** Resolves once the command key is written, with null; or with the command that still waits there instead. */
  readonly sendCommand: (name: string, command: string) => Promise<string | null>;
  readonly token: string | null;
}

type Named = { Params: { name: string } };

export function addApi(server: FastifyInstance, sources: ApiSources, streams: EventStreams): void {
  server.get('/api/v1/services', async () => sources.services());
  server.get<Named>('/api/v1/services/:name', async ({ params }) => {
    const status = await findService(sources, params.name);
    return { ...status, history: await sources.history(params.name) };
  });
  server.post<Named>('/api/v1/services/:name/command', async (request, reply) => {
    authorize(request, sources.token);
    const command = readCommand(request.body);
    await findService(sources, request.params.name);
    const waiting = await sources.sendCommand(request.params.name, command);
    if (waiting !== null) {
      const message = `${JSON.stringify(waiting)} still waits for the controller; only abort goes over it`;
      throw new Refusal(409, 'command-waiting', message);
    }
    return reply.code(202).send({ service: request.params.name, command });
  });
  server.get('/api/v1/targets', async () =>
    (await sources.targets()).map(({ id, address }) => ({
      targets: [address],
      labels: { __meta_slipway_proxy: id },
    })),
  );
  addEvents(server, streams);
}

function addEvents(server: FastifyInstance, streams: EventStreams): void {
  server.get<{ Querystring: { service?: string } }>('/api/v1/events', (request, reply) => {
    const lastEventId = request.headers['last-event-id'];
    const { service } = request.query;
    reply.hijack();
    for (const [name, value] of Object.entries(reply.getHeaders())) {
      if (value !== undefined) reply.raw.setHeader(name, value);
    }
    const id = typeof lastEventId === 'string' ? lastEventId : null;
    if (streams.open(reply.raw, id, typeof service === 'string' ? service : null)) return;
    reply.raw.writeHead(503, { 'content-type': 'application/json', 'retry-after': '10' });
    reply.raw.end(JSON.stringify({ error: 'too-many-streams', message: 'too many event streams are open' }));
  });
}

function authorize(request: FastifyRequest, token: string | null): void {
  switch (checkToken(request.headers.authorization, token)) {
    case 'granted':
      return;
    case 'closed':
      throw new Refusal(
        403,
        'no-token',
        'changes are off: start the daemon with --admin-token-file to allow them',
      );
    case 'denied':
      throw new Refusal(401, 'wrong-token', 'the bearer token is missing or wrong');
  }
}

async function findService({ service }: ApiSources, name: string): Promise<object> {
  const status = isServiceName(name) ? await service(name) : null;
  if (status === null)
    throw new Refusal(404, 'no-such-service', `there is no service ${JSON.stringify(name)}`);
  return status;
}

/** The text of a command that parses. */
function readCommand(body: unknown): string {
  const given: Document = typeof body === 'object' && body !== null ? { ...body } : {};
  const { command, ...rest } = given;
  if (typeof command !== 'string' || Object.keys(rest).length > 0) {
    throw new Refusal(400, 'bad-request', 'expected JSON such as {"command":"promote"}');
  }
  const parsed = parseCommand(command);
  if (!parsed.ok) throw new Refusal(400, 'invalid-command', `command: ${parsed.problem}`);
  const { word, to } = parsed.value;
  return to === null ? word : `${word} ${to}`;
}
