// Deciding twice equals deciding once: with a plan's writes in place and nothing else changed, a second look writes
// nothing. A new table is a change that the first look could not see; then it is the third look that writes nothing.
import { decide } from '../../strategies/decide.ts';
import type { Observed, Plan, RouteEntry } from '../../strategies/model.ts';
import { breach } from './breach.ts';
import type { Checked } from './checked.ts';

export function checkRepeated(world: Checked, observed: Observed, plan: Plan): void {
  // Without a proxy a table is applied as soon as it is written: that is news.
  if (plan.writes.route !== undefined && observed.proxies.length === 0) return;
  const second = look(world, observed, plan);
  if (isAtRest(second)) return;
  const third = plan.writes.route === undefined ? second : look(world, second.observed, second.plan);
  if (isAtRest(third)) return;
  const said = [plan.memory, plan.writes, third.plan.memory, third.plan.writes];
  breach(
    world,
    `deciding again does not come to rest:\n${said.map((part) => JSON.stringify(part)).join('\n')}`,
  );
}

interface Look {
  readonly observed: Observed;
  readonly plan: Plan;
}

function isAtRest({ observed, plan }: Look): boolean {
  return (
    Object.keys(plan.writes).length === 0 && JSON.stringify(plan.memory) === JSON.stringify(observed.memory)
  );
}

function look(world: Checked, before: Observed, { memory, writes }: Plan): Look {
  const created = new Date(world.now).toISOString();
  const known = [...before.revisions, ...(writes.revisions ?? []).map((r) => ({ ...r, created }))];
  const kept = before.quarantined.filter((digest) => digest !== writes.unquarantine);
  const observed: Observed = {
    ...before,
    memory: JSON.parse(JSON.stringify(memory)),
    revisions: known.filter((r) => writes.forget?.includes(r.number) !== true),
    command: writes.consume === undefined ? before.command : null,
    route: routeAfter(before, writes.route, world.store.revision + 1),
    quarantined: writes.quarantine === undefined ? kept : [...kept, writes.quarantine.digest],
  };
  return { observed, plan: decide(world.spec, observed, world.now) };
}

function routeAfter(observed: Observed, route: RouteEntry | null | undefined, revision: number) {
  if (route === undefined) return observed.route;
  return route === null ? null : { value: route, revision };
}
