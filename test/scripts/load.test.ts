import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { type LoadReport, startLoad } from '../../scripts/load.ts';
import { waitFor } from '../support/wait.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let server: Server | null = null;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** A load on a service that answers so, until that many have been sent; what came of it, and what the service saw. */
async function loadOn(answer: Answer, count: number): Promise<{ report: LoadReport; seen: string[] }> {
  const seen: string[] = [];
  server = createServer((request, response) => {
    const { method, headers } = request;
    seen.push(`${method} ${headers.host} ${headers['x-load-id']} ${headers.connection}`);
    answer(request, response);
  });
  const port = await new Promise<number>((resolve) => {
    server?.listen(0, '127.0.0.1', () => {
      const address = server?.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
  const load = startLoad({ port, host: 'web.test' });
  await waitFor('requests', () => load.report().requests >= count);
  return { report: await load.stop(), seen };
}

const echo: Answer = (request, response) => {
  response.setHeader('x-version', 'v1');
  request.pipe(response);
};

describe('a load', () => {
  it('counts what was answered by version, method and connection, each under its own id', async () => {
    const { report, seen } = await loadOn(echo, 200);
    const { requests, byKind, byVersion, failures, inFlight } = report;
    expect({ failures, inFlight, byVersion }).toEqual({
      ...{ failures: [], inFlight: 0 },
      byVersion: { v1: requests },
    });
    const posts = byKind['POST new'] + byKind['POST kept'];
    expect(posts).toBe(Math.floor(requests / 5));
    expect(byKind['GET new'] + byKind['GET kept'] + posts).toBe(requests);
    expect(byKind['POST new']).toBeGreaterThanOrEqual(Math.floor(requests / 20));
    expect(byKind['POST kept']).toBeGreaterThan(0);
    expect(seen.filter((each) => each.startsWith('POST')).length).toBe(posts);
    expect(new Set(seen.map((each) => each.split(' ')[2])).size).toBe(requests);
    expect(seen.every((each) => each.includes(' web.test '))).toBe(true);
  });

  it('opens a connection of its own for every fourth', async () => {
    const { report, seen } = await loadOn(echo, 100);
    const closed = seen.filter((each) => each.endsWith(' close')).length;
    expect(closed).toBe(Math.floor(report.requests / 4));
    expect(report.byKind['GET new'] + report.byKind['POST new']).toBeGreaterThanOrEqual(closed);
    expect(report.seconds).toBeGreaterThan(0);
  });

  it.each([
    ['a replica that is not ready', 'starting', 'reached a replica that is starting'],
    ['a replica that is on its way out', 'stopping', 'reached a replica that is stopping'],
  ])('takes an answer of %s for a failure', async (_who, state, reason) => {
    const { report } = await loadOn((request, response) => {
      response.setHeader('x-state', state);
      echo(request, response);
    }, 20);
    expect(report.failures.map((failure) => failure.reason)).toEqual(Array(report.requests).fill(reason));
    expect(report.failures[0]).toMatchObject({ what: 'GET /', host: 'web.test', version: 'v1' });
    expect(Object.values(report.byKind)).toEqual([0, 0, 0, 0]);
  });

  it('tells a changed body, a status and a broken connection apart, under the id that the service was told', async () => {
    const { report, seen } = await loadOn((request, response) => {
      if (request.method === 'POST') response.end('hello');
      else if (numberOf(request) % 2 === 0) response.writeHead(503).end('later\n');
      else request.socket.destroy();
    }, 40);
    const reasons = new Set(
      report.failures.map(({ reason }) => reason.replace(/^ECONNRESET.*/, 'ECONNRESET')),
    );
    expect([...reasons].sort()).toEqual(['ECONNRESET', 'status 503: later', 'the body came back changed']);
    const told = new Set(seen.map((each) => each.split(' ')[2]));
    expect(report.failures.every(({ id }) => told.has(id))).toBe(true);
    expect(report.failures).toHaveLength(report.requests);
  });
});

/** The number in a request's id. */
function numberOf({ headers }: IncomingMessage): number {
  return Number(String(headers['x-load-id']).split('-')[1]);
}
