// The command line of `npm run bench -- proxy`.
import { parseArgs } from 'node:util';
import { PEER_NAMES, type PeerName } from './peers.ts';
import { SCENARIOS } from './scenarios.ts';
import { SLOW_KINDS } from './slow.ts';

/** Those that are measured by other means than a load on every peer come last. */
export const SCENARIO_NAMES: readonly string[] = [
  ...SCENARIOS.map(({ name }) => name),
  'idle',
  ...SLOW_KINDS.map(({ name }) => name),
  'table',
  'routes',
  'swaps',
];

export interface Options {
  readonly rounds: number;
  /** Per contender and round. */
  readonly seconds: number;
  readonly peers: readonly PeerName[];
  readonly scenarios: readonly string[];
  /** One worker of ours against two, instead of ours against peers. */
  readonly isOfWorkers: boolean;
  /** Of a core, for each of the workers; null: as much as they get. */
  readonly sharePercent: number | null;
}

export const USAGE =
  'usage: npm run bench -- proxy [--rounds N] [--seconds S] [--only PEER,…] [--scenario NAME,…] [--workers [--share PERCENT]]\n' +
  `  peers: ${PEER_NAMES.join(', ')}\n  scenarios: ${SCENARIO_NAMES.join(', ')}`;

/** Throws what is wrong with them. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '3' },
      only: { type: 'string', default: PEER_NAMES.join(',') },
      scenario: { type: 'string', default: SCENARIO_NAMES.join(',') },
      workers: { type: 'boolean', default: false },
      share: { type: 'string' },
    },
  });
  return {
    rounds: readCount('rounds', values.rounds),
    seconds: readCount('seconds', values.seconds),
    peers: readNames('only', values.only, PEER_NAMES),
    scenarios: readNames('scenario', values.scenario, SCENARIO_NAMES),
    isOfWorkers: values.workers,
    sharePercent: values.share === undefined ? null : readCount('share', values.share),
  };
}

function readCount(name: string, text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new Error(`--${name} ${text}: expected a count from 1 to 9999`);
  return Number(text);
}

/** In the order of `known`. */
function readNames<T extends string>(name: string, text: string, known: readonly T[]): T[] {
  const given = text.split(',');
  const strange = given.find((each) => !known.some((one) => one === each));
  if (strange !== undefined) throw new Error(`--${name} ${strange}: expected ${known.join(', ')}`);
  return known.filter((each) => given.includes(each));
}
