// One plot from its beginning to its end: acts and faults at their times, then a fair world that must come to rest.
import { breach } from '../breach.ts';
import { memoryOf } from './judge.ts';
import { heal, strike } from './mishaps.ts';
import { Operator } from './operator.ts';
import { LAST_VERSION, type Plot } from './plot.ts';
import { increase, type Tally } from './tally.ts';
import { KEYS, SimFleet } from './world.ts';

const MINUTE = 60_000;
const LONGEST_END_MS = 2 * 60 * MINUTE;
/** No part of the periods in which versions flap: what is at rest half of the time is found at rest. */
const LOOK_MS = 7000;
/** Two looks of every service at least, and whatever was kept warm has gone. */
const QUIET_MS = 65_000;
const REST_LOOKS = 4;

/** Throws at the first breach. Nothing else may run in this process meanwhile: its clock is ours. */
export async function play(plot: Plot): Promise<Tally> {
  const fleet = new SimFleet(plot);
  try {
    const operator = new Operator(fleet);
    await playActs(fleet, operator);
    await conclude(fleet, operator);
    await expectRest(fleet, operator);
    fleet.tally.count(plot);
    return fleet.tally;
  } finally {
    await fleet.end();
  }
}

async function playActs(fleet: SimFleet, operator: Operator): Promise<void> {
  const { plot, time, tally } = fleet;
  const acts = plot.acts.map(({ at, what }) => ({
    at,
    kind: what.kind,
    list: tally.acts,
    run: () => operator.perform(what),
  }));
  const faults = plot.faults.map(({ at, what }) => ({
    at,
    kind: what.kind,
    list: tally.faults,
    run: () => strike(fleet, what),
  }));
  for (const { at, kind, list, run } of [...acts, ...faults].sort((a, b) => a.at - b.at)) {
    await fleet.run(Math.max(0, at - time.now));
    increase(list, kind);
    run();
  }
  await fleet.run(5000);
}

async function conclude(fleet: SimFleet, operator: Operator): Promise<void> {
  fleet.note('— from here on the world is fair');
  heal(fleet);
  operator.setFree();
  await end(fleet, operator, 'a rollout never ended');
  operator.releaseLast();
  await end(fleet, operator, `${LAST_VERSION} never ended`);
}

// `isDone` holds for a while, not only between two rollouts.
async function end(fleet: SimFleet, operator: Operator, what: string): Promise<void> {
  const limit = fleet.time.now + LONGEST_END_MS;
  for (let calm = 0; calm < 2; ) {
    await fleet.run(LOOK_MS);
    operator.attend();
    const isOpen = fleet.plot.services.some(({ name }) => isUnderWay(fleet, name));
    calm = isOpen ? 0 : calm + 1;
    if (fleet.time.now > limit) breach(fleet, what);
  }
}

function isUnderWay({ etcd, leading }: SimFleet, service: string): boolean {
  const { rollout, draining, warm } = memoryOf(etcd, service);
  if (leading === null) return true;
  return rollout !== null || Object.keys(draining).length > 0 || (warm?.until ?? 0) > leading.clock.now();
}

// An outage that ends late in the fair part leaves a back-off to be forgotten: it comes to rest after that.
async function expectRest(fleet: SimFleet, operator: Operator): Promise<void> {
  let before = Number.NaN;
  for (let looks = 0; looks < REST_LOOKS && fleet.moves !== before; looks += 1) {
    before = fleet.moves;
    await fleet.run(QUIET_MS);
  }
  for (const { name } of fleet.plot.services) expectConverged(fleet, operator, name);
  if (fleet.moves !== before) breach(fleet, `${fleet.moves - before} moves in a world at rest`);
}

function expectConverged(fleet: SimFleet, operator: Operator, service: string): void {
  const { etcd, machine } = fleet;
  const { stable, last, rollout } = memoryOf(etcd, service);
  if (rollout !== null) breach(fleet, `${service}: ${rollout.id} has not ended`);
  if (last?.version !== LAST_VERSION || last.outcome !== 'succeeded')
    breach(fleet, `${service}: the last rollout is ${last?.id}, ${last?.version} ${last?.outcome}`);
  const { replicas } = operator.specOf(service);
  const found = machine.look(service);
  const right = found.filter(({ revision, state }) => revision === stable && state === 'running');
  if (right.length !== replicas || found.length !== replicas) {
    const names = found.map(({ name, state }) => `${name} ${state}`).join(', ');
    breach(fleet, `${service}: ${replicas} replicas of r${stable} should run, not: ${names}`);
  }
  const route = JSON.parse(etcd.value(KEYS.route(service)) ?? '{}');
  const split = JSON.stringify(route.split);
  if (
    route.targets?.length !== replicas ||
    split !== JSON.stringify(replicas === 0 ? {} : { [`${stable}`]: 100 })
  )
    breach(fleet, `${service}: the table at rest is ${JSON.stringify(route)}`);
}
