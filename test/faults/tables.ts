// Every table of one service that is written while something is done to its controller, in their order: what a look now
// and then would miss. Each must be whole, and the new revision's weight may go up by the author's steps alone.
import type { RouteEntry } from '../../strategies/model.ts';
import type { Service } from '../support/service.ts';
import type { Story } from './story.ts';

export interface Tables {
  /** The breaches, each once, and how many tables there were. */
  stop(): { readonly breaches: readonly string[]; readonly count: number };
}

/** From the table on that stands now, in which `before` serves alone. */
export async function watchTables(service: Service, story: Story, before: number): Promise<Tables> {
  const { slipway, name } = service;
  const key = slipway.keys.route(name);
  const entry = await slipway.store.get(key);
  if (entry === null) throw new Error(`${name} has no table`);
  const values: string[] = [entry.value];
  let lost: string | null = null;
  const watch = await slipway.store.watch(key, entry.modRevision + 1, {
    onChanges: (changes) => {
      for (const change of changes) if (change.key === key) values.push(change.value);
    },
    onLost: (error) => {
      lost = `the watch over the table was lost: ${error.message}`;
    },
  });
  return {
    stop: () => {
      watch.close();
      const splits = values.map(readSplit);
      const breaches = [...splits.flatMap(findUnevenSplit), ...findJumps(splits, story, before)];
      return { breaches: [...new Set(lost === null ? breaches : [...breaches, lost])], count: values.length };
    },
  };
}

/** By revision; of a table that is gone, none. */
type Split = ReadonlyMap<number, number>;

function readSplit(value: string): Split {
  const { split }: Pick<RouteEntry, 'split'> = value === '' ? { split: {} } : JSON.parse(value);
  return new Map(Object.entries(split).map(([revision, weight]) => [Number(revision), weight]));
}

function findUnevenSplit(split: Split): readonly string[] {
  const sum = [...split.values()].reduce((total, weight) => total + weight, 0);
  return sum === 100 || (sum === 0 && split.size === 0) ? [] : [`a table's weights sum to ${sum}`];
}

/**
 * A good version only rises, by one step at a time; a bad one falls, and does not rise again. One that sickens, one replica
 * after the other, has what those carry that are not sick yet: it falls by any share, and may rise again to where it was.
 */
function findJumps(splits: readonly Split[], { kind, weights }: Story, before: number): readonly string[] {
  const shares = splits.map((split) => sumOfNew(split, before));
  const jumps: string[] = [];
  let [hasFallen, highest] = [false, 0];
  for (const [index, share] of shares.entries()) {
    const last = shares[index - 1] ?? 0;
    if (share === last) continue;
    const isRise = share > last;
    const isSick = kind === 'sick';
    const isNext =
      weights === null || weights.indexOf(share) === weights.indexOf(isSick ? highest : last) + 1;
    const mayRise = isSick ? isNext || share <= highest : isNext && !hasFallen;
    if (isRise && !mayRise) jumps.push(`the new version's weight went from ${last} to ${share}`);
    if (!isRise && !isSick && (kind === 'good' || (weights !== null && share !== 0)))
      jumps.push(`the new version's weight fell from ${last} to ${share}`);
    hasFallen ||= !isRise;
    highest = Math.max(highest, share);
  }
  return jumps;
}

function sumOfNew(split: Split, before: number): number {
  return [...split].reduce((sum, [revision, weight]) => (revision > before ? sum + weight : sum), 0);
}
