// What a request costs with a large table in force. With one host asked, against a table of one route: what its size costs.
// With many asked in turn, against a table of those, and of one route: what it costs to ask many targets. About ours alone.
import { join } from 'node:path';
import { checkAnswer } from './answers.ts';
import { FILE_BYTES } from './backends.ts';
import { configureSlipway } from './configs.ts';
import type { Rounds } from './figures.ts';
import { composeLargeTable, SERVICES, WATCHED_HOST } from './large-table.ts';
import { chooseOurs } from './peers.ts';
import { measureScenario, type Session } from './rounds.ts';
import type { Scenario } from './scenarios.ts';
import { runWrk, type WrkOptions } from './wrk.ts';

/** Of the services so many are asked, in turn. */
const ASKED = 100;

export const TABLE: Scenario = describe('table', 'one host', { headers: [`Host: ${WATCHED_HOST}`] });
export const ROUTES: Scenario = describe('routes', `${ASKED} hosts in turn`, {
  script: join(import.meta.dirname, 'hosts.lua'),
  arguments: [String(ASKED), String(SERVICES / ASKED)],
});

function describe(
  name: string,
  asked: string,
  more: Pick<WrkOptions, 'headers' | 'script' | 'arguments'>,
): Scenario {
  return {
    ...{ name, title: `100 bytes, 64 kept-alive connections, ${asked}`, unit: 'request', backend: 'files' },
    check: (port) => checkAnswer(port, { path: '/small', host: WATCHED_HOST, bytes: FILE_BYTES.small }),
    load: (port, seconds, signal) =>
      runWrk({ url: `http://127.0.0.1:${port}/small`, connections: 64, seconds, signal, ...more }),
  };
}

export const ONE_ROUTE = chooseOurs('1 route', configureSlipway);
export const ASKED_ROUTES = chooseOurs(`${2 * ASKED} routes, ${ASKED} targets`, (backend) =>
  composeLargeTable(backend, 1, { watched: 1, others: 1 }, SERVICES / ASKED),
);
export const MANY_ROUTES = chooseOurs('10,000 routes, 5,000 targets', (backend) =>
  composeLargeTable(backend, 1, { watched: 1, others: 1 }),
);

export function measureTable(session: Session): Promise<Rounds> {
  return measureScenario(session, TABLE, [ONE_ROUTE, MANY_ROUTES]);
}

export function measureRoutes(session: Session): Promise<Rounds> {
  return measureScenario(session, ROUTES, [ONE_ROUTE, ASKED_ROUTES, MANY_ROUTES]);
}
