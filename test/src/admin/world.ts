// An admin server over made-up sources, and plain HTTP to it.
import { type IncomingHttpHeaders, request } from 'node:http';
import { type AdminOptions, startAdmin } from '../../../src/admin/admin.ts';
import { createEventBus } from '../../../src/telemetry/events.ts';

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface Call {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** `node:http`, since `fetch` does not let a Host header be chosen. */
export function call(
  address: string,
  path: string,
  { method = 'GET', headers = {}, body }: Call = {},
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const [, host = '', port = ''] = /^\[?(.*?)\]?:(\d+)$/.exec(address) ?? [];
    const sent = request({ host, port, path, method, headers, agent: false, timeout: 10_000 }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
      );
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.on('timeout', () => sent.destroy(new Error('no answer in time')));
    sent.end(body);
  });
}

/** A server on a free port, with what was sent to it and what it reported. */
export async function startWorld(over: Partial<AdminOptions> = {}) {
  const sent: string[] = [];
  const errors: unknown[] = [];
  const events = createEventBus(Date.now);
  const status = { service: 'web', phase: 'idle' };
  const server = await startAdmin({
    host: '127.0.0.1',
    port: 0,
    allowedHosts: ['slipway.example.com'],
    ready: () => ({ store: null, leader: null, engine: null }),
    metrics: async () => ({ contentType: 'text/plain; version=0.0.4; charset=utf-8', text: 'a 1\n' }),
    services: () => [status],
    service: (name) => (name === 'web' ? status : null),
    history: () => [{ id: 'web-4-1287' }],
    targets: () => [{ id: 'p1', address: '127.0.0.1:9181' }],
    sendCommand: async (name, command) => {
      sent.push(`${name}: ${command}`);
      return null;
    },
    token: 'open-sesame',
    events,
    onError: (error) => errors.push(error),
    ...over,
  });
  return { ...server, events, sent, errors };
}
