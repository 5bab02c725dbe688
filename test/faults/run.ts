// One rollout with at most one fault in it, under a light load, and what became of it.
import { startLoad } from '../../scripts/load.ts';
import { waitFor } from '../support/wait.ts';
import { type Asked, describeEnd } from './end-state.ts';
import type { Call, Fault } from './gate.ts';
import type { Rig } from './rig.ts';
import { startSampler } from './sampler.ts';
import type { Stage } from './stage.ts';
import { REPLICAS, type Story } from './story.ts';
import { watchTables } from './tables.ts';

export interface Run {
  /** How it ended, by `describeEnd`. */
  readonly end: string;
  /** Of the daemon, from the request to the end. */
  readonly calls: readonly Call[];
  /** Where the fault struck; null when the rollout was over before. */
  readonly struck: Call | null;
  /** What should not have been: breaches, lost requests, another end than the one expected. */
  readonly problems: readonly string[];
  readonly samples: number;
  readonly requests: number;
}

const PER_SECOND = 30;
/** A call that is never answered is given up after a minute. */
const END = { timeoutMs: 120_000, intervalMs: 50 };

/** Without a fault, and with nothing to compare with. */
export async function runUndisturbed(rig: Rig, story: Story): Promise<Run> {
  return await run(rig, story, null, null);
}

export async function runWithFault(rig: Rig, story: Story, fault: Fault, expected: string): Promise<Run> {
  return await run(rig, story, fault, expected);
}

async function run(rig: Rig, story: Story, fault: Fault | null, expected: string | null): Promise<Run> {
  const { gate } = rig;
  const { service, foreigners, next } = await rig.stageOf(story);
  const { version, before } = await next();
  const load = startLoad({ ...service.target, perSecond: PER_SECOND });
  const sampler = startSampler(service, story);
  const tables = await watchTables(service, story, before);
  try {
    gate.calls.length = 0;
    if (fault !== null) gate.arm(fault);
    const isSick = story.kind === 'sick';
    const asked = { version, before, isSick, requested: await service.ask(version) };
    const isOver = async () => gate.struck !== null || (await describeEnd(service, asked)) !== null;
    await waitFor(`${service.name}: the fault, or the end`, isOver, END);
    if (gate.struck === null) gate.disarm();
    else if (isFatal(fault)) {
      await waitFor('the daemon’s death', () => gate.isSealed, END);
      await rig.revive();
    }
    const end = await settle(service, asked, expected);
    const { struck, calls } = { struck: gate.struck, calls: [...gate.calls] };
    gate.disarm();
    const [seen, sent] = await Promise.all([sampler.stop(), load.stop()]);
    const problems = [
      ...(expected === null || end === expected ? [] : [`ended as ${end}, not as ${expected}`]),
      ...seen.breaches,
      ...tables.stop().breaches,
      ...(await foreigners.findHarm()),
      ...sent.failures.map(({ what, reason }) => `${what}: ${reason}`),
    ];
    return { end, calls, struck, problems, samples: seen.samples, requests: sent.requests };
  } finally {
    gate.disarm();
    tables.stop();
    await Promise.all([sampler.stop(), load.stop()]);
  }
}

function isFatal(fault: Fault | null): boolean {
  return fault?.kind === 'kill-before' || fault?.kind === 'kill-after';
}

/** Until the end is the one expected, or for the first run of all until nothing is left over; else what there was last. */
async function settle(service: Stage['service'], asked: Asked, expected: string | null): Promise<string> {
  let last = 'nothing';
  const isSettled = async (): Promise<boolean> => {
    last = (await describeEnd(service, asked)) ?? last;
    if (expected !== null) return last === expected;
    return last !== 'nothing' && JSON.parse(last).containers.length === REPLICAS;
  };
  await waitFor('the end', isSettled, END).catch(() => undefined);
  return last;
}
