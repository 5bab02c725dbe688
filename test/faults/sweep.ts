// Many points, one after the other on each of several rigs side by side. A rig on which one did not hold is exchanged,
// so that the next one begins from nothing.
import type { EtcdServer } from '../support/etcd.ts';
import { type Baseline, measureBaseline, type Point, tryPoint, type Verdict } from './points.ts';
import { openRig, type Rig } from './rig.ts';
import type { Story } from './story.ts';

export interface Sweep {
  measure(stories: readonly Story[]): Promise<readonly Baseline[]>;
  try(points: readonly Point[], onVerdict?: (verdict: Verdict) => void): Promise<readonly Verdict[]>;
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
    measure: async (stories) => {
      const baselines: Baseline[] = [];
      const queue = [...stories];
      await Promise.all(
        rigs.map(async (rig) => {
          for (let story = queue.shift(); story !== undefined; story = queue.shift()) {
            baselines.push(await measureBaseline(rig, story));
          }
        }),
      );
      return baselines;
    },
    try: async (points, onVerdict) => {
      const verdicts: Verdict[] = [];
      const queue = [...points];
      const work = async (rig: Rig, slot: number): Promise<void> => {
        let current = rig;
        for (let point = queue.shift(); point !== undefined; point = queue.shift()) {
          const verdict = await tryPoint(current, point);
          verdicts.push(verdict);
          onVerdict?.(verdict);
          if (verdict.problems.length > 0) current = await exchange(slot, current);
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
