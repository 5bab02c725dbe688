// A container's log, read with bounds: the tail keeps the newest lines in little memory, however long they are; the
// stream follows with back-pressure until its signal aborts.
import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { withDeadline } from './deadline.ts';
import type { EngineClient } from './docker-client.ts';
import type { EngineContainers } from './docker-containers.ts';
import { RuntimeFailure } from './errors.ts';
import { readLogLines } from './line-reader.ts';
import { markLines } from './log-marks.ts';
import type { LogLine, LogOptions } from './runtime.ts';

const TAIL_TIMEOUT_MS = 10_000;
const MAX_TAIL_CHARACTERS = 64 * 1024;

export class EngineLogs {
  readonly #client: EngineClient;
  readonly #containers: EngineContainers;

  constructor(client: EngineClient, containers: EngineContainers) {
    this.#client = client;
    this.#containers = containers;
  }

  async tail(id: string, lines: number): Promise<readonly string[]> {
    const abort = new AbortController();
    const what = `read the log of ${id.slice(0, 12)}`;
    try {
      return await withDeadline({ timeoutMs: TAIL_TIMEOUT_MS, what }, async () => {
        const log = this.stream(id, { tail: lines, follow: false, signal: abort.signal });
        return await keepNewest(log, lines);
      });
    } catch (error) {
      if (isUnreadable(error)) return ['(this container’s logging driver cannot be read)'];
      throw error;
    } finally {
      abort.abort();
    }
  }

  async *stream(id: string, options: LogOptions): AsyncGenerator<LogLine> {
    const what = `read the log of ${id.slice(0, 12)}`;
    const container = await this.#containers.inspect(id);
    if (container === null) throw new RuntimeFailure('missing', `${what}: it does not exist`);
    const call = { action: 'logs', subject: id.slice(0, 12), signal: options.signal };
    const stream = await this.#client.stream(call, (docker, signal) =>
      openLog(docker, id, { ...options, signal }),
    );
    try {
      const lines = readLogLines(stream, container.Config.Tty === true, what);
      yield* markLines(lines, options.after ?? null);
    } finally {
      stream.destroy();
    }
  }
}

/** dockerode's own `logs` reads a log that is not followed into memory whole, so the request is made by hand. */
async function openLog(docker: Docker, id: string, options: LogOptions): Promise<Readable> {
  const { after = null, tail, follow } = options;
  const part = after === null ? `tail=${tail}` : `tail=all&since=${after.at}`;
  const query = `stdout=1&stderr=1&timestamps=1&${part}&follow=${follow ? 1 : 0}`;
  const { promise, resolve, reject } = Promise.withResolvers<Readable>();
  const request = {
    path: `/containers/${id}/logs?${query}&`,
    method: 'GET',
    isStream: true,
    abortSignal: options.signal,
    statusCodes: { 200: true, 404: 'no such container', 500: 'server error' },
  };
  docker.modem.dial(request, (error: Error | null, reply: unknown) => {
    if (error !== null) reject(error);
    else resolve(reply as Readable);
  });
  return await promise;
}

async function keepNewest(log: AsyncIterable<LogLine>, lines: number): Promise<readonly string[]> {
  const kept: string[] = [];
  let size = 0;
  for await (const { text } of log) {
    kept.push(text);
    size += text.length;
    while (kept.length > lines || (size > MAX_TAIL_CHARACTERS && kept.length > 1)) {
      size -= kept.shift()?.length ?? 0;
    }
  }
  return kept;
}

function isUnreadable(error: unknown): boolean {
  return error instanceof RuntimeFailure && /does not support reading/i.test(error.message);
}
