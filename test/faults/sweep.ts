// Many points of many stories, story by story on each of several rigs side by side. A rig on which a point did not hold is
// exchanged, so that the next one begins from nothing.
import type { EtcdServer } from '../support/etcd.ts';
import { type Baseline, measureBaseline, type Point, tryPoint, type Verdict } from './points.ts';
import { openRig, type Rig } from './rig.ts';
import type { Story } from './story.ts';

export interface Sweep {
  /** Plays each story undisturbed, and then the points that are chosen of it. */
  play(
    stories: readonly Story[],
    choose: (baseline: Baseline) => readonly Point[],
    onVerdict?: (verdict: Verdict) => void,
  ): Promise<readonly Verdict[]>;
  close(): Promise<void>;
}

export async function openSweep(etcd: EtcdServer, width: number): Promise<Sweep> {
  const rigs = await Promise.all(Array.from({ length: width }, () => openRig(etcd)));
  const exchange = async (slot: number, rig: Rig): Promise<Rig> => {
    await rig.close();
    const fresh = await openRig(etcd);
    rigs[slot] = fresh;
    return fresh;
  };
  return {
    play: async (stories, choose, onVerdict) => {
      const verdicts: Verdict[] = [];
      const take = async (slot: number, rig: Rig, verdict: Verdict): Promise<Rig> => {
        verdicts.push(verdict);
        onVerdict?.(verdict);
        return verdict.problems.length > 0 ? await exchange(slot, rig) : rig;
      };
      const queue = [...stories];
      const work = async (rig: Rig, slot: number): Promise<void> => {
        let current = rig;
        for (let story = queue.shift(); story !== undefined; story = queue.shift()) {
          const baseline = await measureBaseline(current, story);
          const points = 'story' in baseline ? choose(baseline) : [];
          if ('problems' in baseline) current = await take(slot, current, baseline);
          for (const point of points) current = await take(slot, current, await tryPoint(current, point));
        }
      };
      await Promise.all(rigs.map(work));
      return verdicts;
    },
    close: async () => {
      await Promise.all(rigs.map((rig) => rig.close()));
    },
  };
}
