// A long download, a WebSocket and an event stream through a proxy, to which something is done meanwhile.
import type { LoadTarget } from '../../scripts/load-exchange.ts';
import { download, startEcho, startEvents } from '../../scripts/load-streams.ts';
import { waitFor } from './wait.ts';

const DOWNLOAD_SECONDS = 4;

/** Of streams through a proxy that handed over: a body comes whole, and what never ends by itself is ended by the proxy. */
export const ENDED_WELL = {
  download: null,
  socket: { endedBy: 'them', problem: null },
  events: { endedBy: 'them', problem: null },
} as const;

export interface OpenStreams {
  /** Resolves when all have ended, to be compared with `ENDED_WELL`. */
  ended(): Promise<unknown>;
}

/** Resolves when they flow. */
export async function openStreams(target: LoadTarget): Promise<OpenStreams> {
  const [whole, socket, events] = [
    download(target, DOWNLOAD_SECONDS),
    startEcho(target),
    startEvents(target),
  ];
  await waitFor('streams', () => socket.received() > 0 && events.received() > 0);
  return {
    ended: async () => ({
      download: (await whole).problem,
      socket: await socket.ended,
      events: await events.ended,
    }),
  };
}
