// Brings a fault about, and ends all of them when the world is to be fair.
import type { Fault } from './plot.ts';
import type { SimProxyProcess } from './proxy.ts';
import type { SimFleet } from './world.ts';

type FaultOf<K, F = Fault> = F extends { readonly kind: unknown } ? (K extends F['kind'] ? F : never) : never;
type Table = { readonly [K in Fault['kind']]: (fleet: SimFleet, fault: FaultOf<K>) => void };

const TABLE: Table = {
  crash: (fleet) => fleet.crash(fleet.leading),
  'crash-between-commit-and-action': (fleet) => {
    fleet.diesAfterCommit = true;
  },
  'crash-before-engine-call': (fleet, { calls }) => {
    fleet.dying = { when: 'effect', calls };
  },
  'crash-after-engine-call': (fleet, { calls }) => {
    fleet.dying = { when: 'done', calls };
  },
  'leader-paused': pauseLeader,
  'leader-cut-off': cutOffLeader,
  'clock-step': ({ time }, { byMs }) => time.step(byMs),
  'events-lost': ({ machine }, { forMs }) => machine.disturb({ eventsLost: true }, forMs),
  'events-late': ({ machine }, { byMs, forMs }) => machine.disturb({ eventsLateMs: byMs }, forMs),
  'engine-slow': ({ machine }, { byMs, forMs }) => machine.disturb({ slowMs: byMs }, forMs),
  'engine-down': ({ machine }, { forMs }) => machine.disturb({ isDown: true }, forMs),
  'engine-call-fails': ({ machine }, { calls }) => machine.disturb({ failing: calls }),
  'engine-reply-lost': ({ machine }, { calls }) => machine.disturb({ unheard: calls }),
  'mirror-stale': (fleet, { byMs, forMs }) => {
    for (const { client } of fleet.alive) client.faults.lagMs = byMs;
    fleet.time.after(forMs, () => catchUp(fleet));
  },
  'store-call-fails': ({ alive }, { calls }) => {
    for (const { client } of alive) client.faults.failing = calls;
  },
  'store-reply-lost': ({ alive }, { calls }) => {
    for (const { client } of alive) client.faults.unheard = calls;
  },
  'store-down': ({ etcd, time }, { forMs }) => {
    etcd.goDown();
    time.after(forMs, () => etcd.comeUp());
  },
  'store-frozen': ({ etcd, time }, { forMs }) => {
    etcd.goDown();
    time.after(forMs, () => etcd.comeUp('freeze'));
  },
  'watches-cut': ({ etcd }) => etcd.cutWatches(),
  'replica-dies': (fleet, { index }) => harmReplica(fleet, index, 'stopByHand'),
  'replica-removed': (fleet, { index }) => harmReplica(fleet, index, 'removeByHand'),
  'probes-fail': ({ machine, time }, { service, forMs }) => {
    machine.sick.add(service);
    time.after(forMs, () => machine.sick.delete(service));
  },
  'proxy-comes': (fleet) => fleet.addProxy({ appliesAfterMs: 20, drainsAfterMs: 500 }),
  'proxy-dies': (fleet, { index }) => findProxy(fleet, index)?.kill(),
  'proxy-hangs': (fleet, { index }) => findProxy(fleet, index)?.plane.disturb({ isHanging: true }),
  'proxy-refuses': (fleet, { index }) => findProxy(fleet, index)?.plane.disturb({ isRefusing: true }),
  'proxy-slow': (fleet, { index, byMs }) => findProxy(fleet, index)?.plane.disturb({ slowMs: byMs }),
  'proxy-cut-off': (fleet, { index, forMs }) => {
    const proxy = findProxy(fleet, index);
    proxy?.client.cutOff(true);
    fleet.time.after(forMs, () => proxy !== undefined && rejoin(proxy));
  },
};

export function strike(fleet: SimFleet, fault: Fault): void {
  fleet.note(`! ${Object.values(fault).join(' ')}`);
  bringAbout(fleet, fault.kind, fault);
}

function bringAbout<K extends Fault['kind']>(fleet: SimFleet, kind: K, fault: Fault): void {
  TABLE[kind](fleet, fault as FaultOf<K>);
}

// There is another one to take over: that is what makes it dangerous.
function pauseLeader(fleet: SimFleet, { forMs }: FaultOf<'leader-paused'>): void {
  const { leading } = fleet;
  if (leading === null) return;
  if (fleet.alive.length < 2) fleet.addDaemon();
  leading.pause();
  fleet.time.after(forMs, () => leading.goOn());
}

function cutOffLeader(fleet: SimFleet, { forMs }: FaultOf<'leader-cut-off'>): void {
  const { leading } = fleet;
  if (leading === null) return;
  if (fleet.alive.length < 2) fleet.addDaemon();
  leading.client.cutOff(true);
  fleet.time.after(forMs, () => leading.gate.isAlive && leading.client.cutOff(false));
}

function harmReplica(fleet: SimFleet, index: number, how: 'stopByHand' | 'removeByHand'): void {
  const running = fleet.machine.look().filter(({ state }) => state === 'running');
  const victim = running[index % Math.max(1, running.length)];
  if (victim === undefined) return;
  fleet.note(`  ${victim.name}`);
  fleet.machine.runtime[how](victim.name);
}

function findProxy({ proxies }: SimFleet, index: number): SimProxyProcess | undefined {
  const live = proxies.filter(({ gate }) => gate.isAlive);
  return live[index % Math.max(1, live.length)];
}

function rejoin({ gate, client }: SimProxyProcess): void {
  if (gate.isAlive) client.cutOff(false);
}

function catchUp({ alive }: SimFleet): void {
  for (const { client } of alive) client.faults.lagMs = 0;
}

/** What was to come of faults does not come any more; what versions do by themselves goes on. */
export function heal(fleet: SimFleet): void {
  const { machine, etcd } = fleet;
  machine.recover();
  etcd.comeUp();
  fleet.dying = null;
  fleet.diesAfterCommit = false;
  for (const daemon of fleet.alive) {
    Object.assign(daemon.client.faults, { failing: 0, unheard: 0, lagMs: 0 });
    daemon.client.cutOff(false);
    daemon.goOn();
  }
  if (fleet.alive.length === 0) fleet.addDaemon();
  for (const proxy of fleet.proxies) {
    rejoin(proxy);
    proxy.plane.recover();
  }
}
