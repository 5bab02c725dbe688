// Server-sent events: what a client missed, then what happens, then nothing but heartbeats. A client that does not
// read is cut off when its buffer is full: it comes back and says where it was.
import type { ServerResponse } from 'node:http';
import type { EventBus, RecordedEvent } from '../telemetry/events.ts';

export interface EventStreamOptions {
  readonly events: EventBus;
  readonly heartbeatMs: number;
  readonly maxBufferBytes: number;
  readonly maxClients: number;
}

export interface EventStreams {
  /** False when there are too many already; else the response belongs to the stream. */
  open(response: ServerResponse, lastEventId: string | null, service: string | null): boolean;
  closeAll(): void;
}

export function createEventStreams(options: EventStreamOptions): EventStreams {
  const open = new Set<() => void>();
  return {
    open(response, lastEventId, service) {
      if (open.size >= options.maxClients) return false;
      const close = startStream(options, response, lastEventId, service);
      open.add(close);
      response.on('close', () => {
        close();
        open.delete(close);
      });
      return true;
    },
    closeAll() {
      for (const close of open) close();
    },
  };
}

function startStream(
  { events, heartbeatMs, maxBufferBytes }: EventStreamOptions,
  response: ServerResponse,
  lastEventId: string | null,
  service: string | null,
): () => void {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' });
  const write = (text: string): void => {
    if (response.writableLength > maxBufferBytes) response.destroy();
    else response.write(text);
  };
  write('retry: 2000\n\n');
  if (lastEventId !== null) replay(events, lastEventId, service, write);
  const unsubscribe = events.subscribe((recorded) => {
    if (concerns(recorded, service)) write(formatEvent(recorded));
  });
  const heartbeat = setInterval(() => write(': still here\n\n'), heartbeatMs);
  return () => {
    unsubscribe();
    clearInterval(heartbeat);
    response.end();
  };
}

/** After a gap comes one `gap` event, without id: whoever builds on events must read everything anew. */
function replay(events: EventBus, id: string, service: string | null, write: (text: string) => void): void {
  const missed = events.since(id);
  if (!missed.complete) write('event: gap\ndata: {}\n\n');
  for (const recorded of missed.events) if (concerns(recorded, service)) write(formatEvent(recorded));
}

/** Events of no service concern everyone. */
function concerns({ event }: RecordedEvent, service: string | null): boolean {
  return service === null || !('service' in event) || event.service === service;
}

/** JSON has no line breaks, so that it is one line of data. */
function formatEvent({ id, at, event }: RecordedEvent): string {
  return `id: ${id}\nevent: ${event.kind}\ndata: ${JSON.stringify({ at, ...event })}\n\n`;
}
