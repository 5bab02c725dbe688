// A service whose spec is gone: out of the table, drained, stopped, removed; then everything written for it goes.
import { converge } from './converge.ts';
import { goalOf } from './course.ts';
import { countOf } from './describe.ts';
import type { Memory, Observed, Plan, Report, RouteEntry, ServiceSpec } from './model.ts';
import { buildWorld } from './world.ts';

/** `spec`: the last one known, for its drain and grace. */
export function planRetirement(spec: ServiceSpec, observed: Observed, now: number): Plan {
  const memory: Memory = { ...observed.memory, rollout: null, manual: null, warm: null };
  const world = buildWorld(spec, observed, memory, now);
  const { actions, draining, wakeups } = converge(world, goalOf({}, {}));
  const isGone = observed.replicas.length === 0;
  const route = closeRoute(observed.route?.value ?? null);
  const times = wakeups.filter((at): at is number => at !== null);
  return {
    memory: { ...memory, draining },
    writes: isGone ? { route: null, retired: true } : route === undefined ? {} : { route },
    actions,
    report: reportRetiring(observed),
    wakeAt: times.length === 0 ? null : Math.min(...times),
  };
}

// The entry stays, without targets, until nothing runs: the proxies acknowledge that, not a key that is gone.
function closeRoute(entry: RouteEntry | null): RouteEntry | undefined {
  if (entry === null || (entry.targets.length === 0 && !entry.coming)) return undefined;
  return { ...entry, split: {}, targets: [], coming: false, preview: null };
}

function reportRetiring({ replicas }: Observed): Report {
  const message = `The spec is gone: stopping ${countOf(replicas.length, 'replica')}.`;
  return {
    phase: 'retiring',
    reason: 'retiring',
    message,
    next: null,
    stable: null,
    candidate: null,
    step: null,
  };
}
