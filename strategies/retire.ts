// A service whose spec is gone: out of the table, drained, stopped, removed; then everything written for it goes. Until
// then it may come back, and is then asked anew for what its version key says.
import { converge } from './converge.ts';
import { goalOf } from './course.ts';
import { countOf } from './describe.ts';
import type { Memory, Observed, Plan, Report, RouteEntry, ServiceSpec, Verdict } from './model.ts';
import { followProxies } from './proxies.ts';
import { tellRefusal } from './report.ts';
import { cutShort, type Move, stay } from './rollout.ts';
import { closeEntry } from './route.ts';
import { buildWorld } from './world.ts';

/** `spec`: the last one known, for its drain and grace. */
export function planRetirement(spec: ServiceSpec, observed: Observed, now: number): Plan {
  const ended = endRollout(spec, observed, now);
  const proxies = followProxies(observed, now);
  const memory = { ...forgetCourse(refuseCommand(observed, ended.memory)), proxies };
  const world = buildWorld(spec, observed, memory, now);
  const { actions, draining, dismissed, wakeups } = converge(world, goalOf({}, {}));
  const isGone = observed.replicas.length === 0;
  const route = isGone ? null : closeRoute(observed.route?.value ?? null);
  const times = [...wakeups, ...world.wakeups].filter((at): at is number => at !== null);
  return {
    memory: { ...memory, draining, dismissed },
    writes: {
      ...ended.writes,
      ...(route === undefined ? {} : { route }),
      ...(observed.command === null ? {} : { consume: observed.command.revision }),
      ...(isGone ? { retired: true } : {}),
    },
    actions,
    report: reportRetiring(observed, memory),
    wakeAt: times.length === 0 ? null : Math.min(...times),
  };
}

const GIVEN_UP: Verdict = {
  outcome: 'aborted',
  reason: 'retiring',
  message: 'The spec was deleted.',
  evidence: [],
};

function endRollout(spec: ServiceSpec, observed: Observed, now: number): Move {
  const { memory } = observed;
  const { rollout } = memory;
  if (rollout === null) return stay(memory);
  return cutShort(buildWorld(spec, observed, memory, now), rollout, GIVEN_UP);
}

// Of no settings: a spec that is put back asks anew, by its own write.
function forgetCourse(memory: Memory): Memory {
  const handled = memory.handled === null ? null : { ...memory.handled, settingsHash: '' };
  return { ...memory, handled, manual: null, warm: null };
}

function refuseCommand({ command }: Observed, memory: Memory): Memory {
  if (command === null) return memory;
  const text = 'The spec is gone, and the service with it.';
  return { ...memory, answer: { command: command.revision, text, refused: true } };
}

// The entry stays, without routes or targets, until nothing runs: the proxies acknowledge that, not a key that is gone.
function closeRoute(entry: RouteEntry | null): RouteEntry | undefined {
  if (entry === null) return undefined;
  const closed = closeEntry(entry);
  return JSON.stringify(closed) === JSON.stringify(entry) ? undefined : closed;
}

function reportRetiring({ replicas }: Observed, memory: Memory): Report {
  const message = `The spec is gone: stopping ${countOf(replicas.length, 'replica')}.`;
  const said = tellRefusal(memory, { phase: 'retiring', reason: 'retiring', message, next: null });
  return { ...said, stable: null, candidate: null, step: null };
}
