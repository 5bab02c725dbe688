// The engine's event stream for our containers, for as long as the signal lasts: reconnects with `since`, then says
// `reconnected`, upon which the listener lists everything. An event is a hint; none is ever relied on.
import { pause } from './deadline.ts';
import type { EngineClient } from './docker-client.ts';
import { RuntimeFailure } from './errors.ts';
import { LABELS } from './labels.ts';
import { isRecord, readJsonLines } from './line-reader.ts';
import type { RuntimeEvent } from './runtime.ts';

const KINDS: ReadonlyMap<unknown, RuntimeEvent['kind']> = new Map([
  ['start', 'start'],
  ['die', 'exit'],
  ['died', 'exit'],
  ['oom', 'oom'],
  ['destroy', 'destroy'],
  ['remove', 'destroy'],
]);

const NEXT_MICROSECOND = 1e-6;
const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 5_000;

/** Resolves when the signal aborts, and never rejects for the engine's sake. */
export async function watchEvents(
  client: EngineClient,
  prefix: string,
  listener: (event: RuntimeEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  let since = Date.now() / 1000;
  let isFirst = true;
  let delayMs = FIRST_DELAY_MS;
  const onOpen = () => {
    if (!isFirst) listener({ kind: 'reconnected', service: null, containerId: null, exitCode: null });
    delayMs = FIRST_DELAY_MS;
  };
  while (!signal.aborted) {
    try {
      for await (const event of openEvents(client, prefix, isFirst ? null : since, signal, onOpen)) {
        since = event.time + NEXT_MICROSECOND;
        listener(event.event);
      }
    } catch (error) {
      if (!(error instanceof RuntimeFailure)) throw error;
    }
    isFirst = false;
    await pause(delayMs * (0.5 + Math.random()), signal);
    delayMs = Math.min(delayMs * 2, LONGEST_DELAY_MS);
  }
}

interface TimedEvent {
  readonly event: RuntimeEvent;
  /** Seconds since the epoch, by the engine's clock; to a microsecond, as far as a number goes. */
  readonly time: number;
}

async function* openEvents(
  client: EngineClient,
  prefix: string,
  since: number | null,
  signal: AbortSignal,
  onOpen: () => void,
): AsyncGenerator<TimedEvent> {
  const filters = { type: ['container' as const], label: [`${LABELS.prefix}=${prefix}`] };
  const options = since === null ? { filters } : { filters, since };
  const call = { action: 'events', subject: prefix, signal };
  const stream = await client.stream(call, (docker, abortSignal) =>
    docker.getEvents({ ...options, abortSignal }),
  );
  onOpen();
  try {
    for await (const line of readJsonLines(stream, 'events')) {
      const event = parseEvent(line);
      if (event !== null) yield event;
    }
  } finally {
    stream.destroy();
  }
}

/** Null for the kinds that we have no use for. */
export function parseEvent(line: Readonly<Record<string, unknown>>): TimedEvent | null {
  const kind = KINDS.get(line.Action ?? line.status);
  const actor = isRecord(line.Actor) ? line.Actor : {};
  const attributes = isRecord(actor.Attributes) ? actor.Attributes : {};
  if (kind === undefined || typeof actor.ID !== 'string') return null;
  const service = attributes[LABELS.service];
  const exitCode = Number(attributes.exitCode ?? attributes.containerExitCode ?? Number.NaN);
  return {
    event: {
      kind,
      service: typeof service === 'string' ? service : null,
      containerId: actor.ID,
      exitCode: kind === 'exit' && Number.isInteger(exitCode) ? exitCode : null,
    },
    time: typeof line.timeNano === 'number' ? line.timeNano / 1e9 : Date.now() / 1000,
  };
}
