// A counted number of requests, a few at a time, as fast as they are answered: for exact shares.
import { Agent } from 'node:http';
import { exchange, type LoadTarget } from './load-exchange.ts';

export interface Burst {
  readonly byVersion: Readonly<Record<string, number>>;
  readonly problems: readonly string[];
}

/** Sends exactly `count` GETs, every `freshEvery`th on a connection of its own. */
export async function sendBurst(target: LoadTarget, count: number, freshEvery = 50): Promise<Burst> {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const byVersion: Record<string, number> = {};
  const problems: string[] = [];
  let begun = 0;
  const work = async (): Promise<void> => {
    while (begun < count) {
      begun += 1;
      const isFresh = begun % freshEvery === 0;
      const shot = { ...target, method: 'GET', path: '/', body: '', agent: isFresh ? false : agent } as const;
      const { version, problem } = await exchange(shot);
      if (problem !== null) problems.push(problem);
      else byVersion[version ?? ''] = (byVersion[version ?? ''] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: 16 }, work));
  agent.destroy();
  return { byVersion, problems };
}
