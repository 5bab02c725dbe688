// A table of 10,000 routes and 5,000 targets: two routes and one target for each service. Or of every so many of them.

export const SERVICES = 5_000;
/** The answers of this one say which table they are by. */
export const WATCHED_HOST = `service-${SERVICES / 2}.bench`;
export const TABLE_FIELD = 'x-table';

export interface Marks {
  /** In every answer of the watched service. */
  readonly watched: number;
  /** In those of all others: an entry whose mark changes has changed. */
  readonly others: number;
}

export function composeLargeTable(backend: number, version: number, marks: Marks, every = 1): string {
  const services = Array.from({ length: SERVICES / every }, (_, index) => {
    const i = index * every;
    const host = `service-${i}.bench`;
    const mark = host === WATCHED_HOST ? marks.watched : marks.others;
    return [`service-${i}`, composeEntry(backend, host, mark)];
  });
  return JSON.stringify({ version, services: Object.fromEntries(services) });
}

function composeEntry(backend: number, host: string, mark: number) {
  return {
    routes: [{ host }, { host, path: '/api' }],
    split: { 1: 100 },
    targets: [{ revision: 1, address: `127.0.0.1:${backend}` }],
    proxy: { headers: { [TABLE_FIELD]: String(mark) } },
  };
}
