// The two admin servers: the controller's with its API, and the proxy's own.
import type { EventBus } from '../telemetry/events.ts';
import { type ApiSources, addApi } from './api.ts';
import { createEventStreams } from './event-stream.ts';
import { type AdminServer, createServer, type ListenPlace, listen, type ServerOptions } from './server.ts';

export interface AdminOptions extends ServerOptions, ApiSources {
  readonly events: EventBus;
  /** 15 s when left out. */
  readonly heartbeatMs?: number;
  /** What may wait for one client of the event stream; 256 KiB when left out. */
  readonly maxBufferBytes?: number;
}

const MAX_STREAMS = 64;

/** Throws `AdminError` when the address cannot be had. */
export async function startAdmin(options: AdminOptions): Promise<AdminServer> {
  const server = createServer(options);
  const { events, heartbeatMs = 15_000, maxBufferBytes = 262_144 } = options;
  const streams = createEventStreams({ events, heartbeatMs, maxBufferBytes, maxClients: MAX_STREAMS });
  server.addHook('preClose', async () => streams.closeAll());
  server.removeContentTypeParser('text/plain');
  addApi(server, options, streams);
  return listen(server, options);
}

/** Health, readiness and metrics alone. */
export async function startProxyAdmin(options: ServerOptions & ListenPlace): Promise<AdminServer> {
  return listen(createServer(options), options);
}
