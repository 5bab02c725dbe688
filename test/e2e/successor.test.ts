// `slipway proxy` puts another process in its place under load, from a table file: an upgrade without etcd or controller.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startLoad } from '../../scripts/load.ts';
import { knockOn } from '../../scripts/load-door.ts';
import { HOST, ProxyPlace } from '../support/proxy-place.ts';
import { ENDED_WELL, openStreams } from '../support/streams.ts';
import { waitFor } from '../support/wait.ts';

let place: ProxyPlace;
beforeEach(() => {
  place = new ProxyPlace();
});
afterEach(async () => {
  await place.stop();
});

const target = () => ({ port: place.port, host: HOST });
const scrape = async () => (await fetch(`http://127.0.0.1:${place.adminPort}/metrics`)).text();

/** A connection that stood was closed: a port that is shut says something else. */
const isClosed = ({ cause }: Error): boolean =>
  cause instanceof Error && 'code' in cause && cause.code === 'UND_ERR_SOCKET';

/**
 * Scrapes until it is told to stop; returns how often, and what went wrong. As Prometheus does: a connection that was kept may
 * end just as it is used again, and is then asked for once more.
 */
function scrapeOn(): () => Promise<{ scrapes: number; failures: string[] }> {
  const failures: string[] = [];
  let [scrapes, isOver] = [0, false];
  const scraping = (async () => {
    for (; !isOver; scrapes += 1) {
      await scrape()
        .catch((error: Error) => (isClosed(error) ? scrape() : Promise.reject(error)))
        .catch((error: Error) => failures.push(String(error.cause)));
      await sleep(5);
    }
  })();
  return async () => {
    isOver = true;
    await scraping;
    return { scrapes, failures };
  };
}

describe('a proxy that hands over', () => {
  it.each([
    { workers: '1', times: 10 },
    { workers: '2', times: 3 },
  ])(
    'loses no request, and shuts no port: $times times, with $workers workers',
    async ({ workers, times }) => {
      await place.start('--workers', workers, '--drain', '2s');
      const load = startLoad({ ...target(), perSecond: 200 });
      const [endKnocking, endScraping] = [knockOn(place.port), scrapeOn()];
      const streams = await openStreams(target());
      for (let time = 0; time < times; time += 1) await place.handOver();
      expect(await streams.ended()).toMatchObject(ENDED_WELL);
      await waitFor('the former ones to end', () => place.listLiving().length === 1);
      const report = await load.stop();
      expect(report.failures).toEqual([]);
      expect(await endKnocking()).toMatchObject({ refused: [] });
      expect(await endScraping()).toMatchObject({ failures: [] });
      expect(place.pids.size).toBe(times + 1);
      expect(report.requests).toBeGreaterThan(200);
    },
  );

  it('runs the files as they are now: that is an upgrade', async () => {
    await place.start('--drain', '1s');
    const file = join(place.program, 'package.json');
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), version: '99.0.0' }));
    expect(await scrape()).not.toContain('version="99.0.0"');
    await place.handOver();
    expect(await scrape()).toContain('version="99.0.0"');
  });

  it('serves on when nobody can take over, and says why', async () => {
    await place.start('--drain', '1s');
    const load = startLoad({ ...target(), perSecond: 100 });
    const [pid, table] = [place.pid(), readFileSync(place.table, 'utf8')];
    const main = join(place.program, 'src/main.ts');
    const breakers = [
      () => writeFileSync(place.table, '{ "version": 1, '),
      () => writeFileSync(main, 'throw new Error("broken");'),
    ];
    for (const [index, breakIt] of breakers.entries()) {
      breakIt();
      process.kill(pid, 'SIGUSR2');
      await waitFor('the failure to be told', () => place.count('nobody took over; serving on') > index);
      expect(place.pid()).toBe(pid);
      writeFileSync(place.table, table);
    }
    expect(place.log()).toContain('it ended with 1');
    expect((await load.stop()).failures).toEqual([]);
  });
});
