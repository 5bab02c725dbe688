// Words for the stories: a world that is given, and short answers about how it stands.
import { describeRoute } from '../../strategies/describe.ts';
import type { ServiceSpec, StrategySpec } from '../../strategies/model.ts';
import { specOf } from './spec.ts';
import { SimWorld } from './world.ts';

/** v1 runs, and all is at rest. */
export function given(strategy: StrategySpec, spec: Partial<ServiceSpec> = {}, proxies = 1): SimWorld {
  const world = new SimWorld(specOf(strategy, spec), proxies);
  world.release('v1');
  world.settle();
  world.mark();
  return world;
}

/** Each rollout that ended: `v2 rolled-back probe-failed`. */
export function endings({ store }: SimWorld): readonly string[] {
  return store.history.map(({ version, outcome, reason }) =>
    [version, outcome, reason].filter((word) => word !== null).join(' '),
  );
}

/** The last rollout that ended. */
export function ending(world: SimWorld): string {
  return endings(world).at(-1) ?? 'none';
}

/** Containers by version and the table: `v1×3, route r1 100`. */
export function standing(world: SimWorld): string {
  const counts = new Map<string, number>();
  for (const { revision } of world.engine.containers.values()) {
    const key = `${revision.version}${revision.restart > 0 ? ' restarted' : ''}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const containers = [...counts].map(([version, count]) => `${version}×${count}`).sort();
  return [...containers, describeRoute(world.store.route?.value ?? null)].join(', ');
}

export function reportOf(world: SimWorld) {
  const { plan } = world;
  if (plan === null) throw new Error('nothing was decided yet');
  return plan.report;
}

/** `progressing starting-replicas` */
export function saying(world: SimWorld): string {
  const { phase, reason } = reportOf(world);
  return [phase, reason].filter((word) => word !== null).join(' ');
}

export const isIdle = (world: SimWorld): boolean => world.store.memory.rollout === null;
export const says =
  (text: string) =>
  (world: SimWorld): boolean =>
    saying(world) === text;

/** Weight of a revision in the table that every proxy has applied. */
export function weightOf({ store }: SimWorld, revision: number): number {
  return store.route?.value.split[revision] ?? 0;
}

/** The traffic has reached this weight. */
export const weighs =
  (revision: number, weight: number) =>
  (world: SimWorld): boolean =>
    weightOf(world, revision) === weight;
