// Two controllers of one prefix, each behind a gate of its own. In a round the leader is frozen in the middle of a
// rollout for longer than its lease, the other one takes over, and the first goes on as if nothing had been: what it
// then still does is counted. Or it is killed, and another one stands by in its place afterwards.
import { setTimeout as sleep } from 'node:timers/promises';
import { startLoad } from '../../scripts/load.ts';
import type { Child } from '../support/child.ts';
import type { EtcdServer } from '../support/etcd.ts';
import { findFreePorts } from '../support/names.ts';
import { Service } from '../support/service.ts';
import type { Slipway } from '../support/slipway.ts';
import { waitFor } from '../support/wait.ts';
import { openEngineProxy } from './engine-proxy.ts';
import { openEtcdProxy } from './etcd-proxy.ts';
import { type Call, FaultGate, type FaultKind } from './gate.ts';
import { openRig } from './rig.ts';
import { findStory } from './story.ts';

/** How the leader comes to be frozen: at its nth call that changes something, or after so many milliseconds. */
export interface Freeze {
  readonly kind: Extract<FaultKind, 'freeze-before' | 'freeze-after' | 'kill-before' | 'kill-after'>;
  readonly nth: number;
  /** It goes on when the other has just taken over, or when the rollout is over; one that was killed is started then. */
  readonly thaws: 'at-once' | 'afterwards';
}

export interface Round {
  /** The call that it was frozen at; null when the rollout made fewer. */
  readonly frozenAt: string | null;
  readonly takeoverMs: number;
  readonly outcome: string;
  /** What the deposed one changed, or tried to change on the engine, after the other had taken over. */
  readonly offences: readonly string[];
  /** Of the deposed one, every call that asks for a change, in milliseconds from the freeze. */
  readonly trace: readonly string[];
  readonly lost: readonly string[];
  readonly requests: number;
}

/** What should not have been. */
export function judgeRound({ outcome, offences, lost }: Round): readonly string[] {
  return [
    ...(outcome === 'succeeded' ? [] : [`the rollout ${outcome}`]),
    ...offences.map((offence) => `the deposed leader did ${offence}`),
    ...lost,
  ];
}

export interface Duel {
  round(freeze: Freeze): Promise<Round>;
  close(): Promise<void>;
}

interface Controller {
  readonly gate: FaultGate;
  pid(): number;
  signal(signal: 'SIGCONT'): void;
  /** After a kill. */
  restart(): Promise<void>;
}

/** The deposed one needs so long at most to do what it had in mind. */
const MISCHIEF_MS = 1_000;
/** On a machine that is too busy for the lease the other leads before anything was done to the one. */
const TRIES = 3;
const WAIT = { timeoutMs: 60_000, intervalMs: 20 };

/** `ttlMs`: of both leases. */
export async function openDuel(etcd: EtcdServer, ttlMs: number): Promise<Duel> {
  const rig = await openRig(etcd, `${ttlMs}ms`);
  const { slipway } = rig;
  const second = await openSecond(slipway, etcd, ttlMs);
  const first: Controller = {
    gate: rig.gate,
    pid: () => slipway.daemonPid(),
    signal: (signal) => slipway.signalDaemon(signal),
    restart: () => slipway.startDaemon(),
  };
  const service = new Service(slipway, findStory('rolling', 'good').options);
  await service.stand('v1');
  let version = 'v1';
  return {
    round: async (freeze) => {
      for (let tries = 1; ; tries += 1) {
        version = version === 'v1' ? 'v2' : 'v1';
        const leader = await readLeader(slipway);
        const old = leader.pid === first.pid() ? first : second;
        const round = await playRound(service, old, version, freeze);
        if (round !== null) return round;
        if (tries === TRIES) throw new Error(`the leadership moved by itself in ${TRIES} rounds`);
      }
    },
    close: async () => {
      first.signal('SIGCONT');
      await second.close();
      await rig.close();
    },
  };
}

async function openSecond(slipway: Slipway, etcd: EtcdServer, ttlMs: number) {
  let child: Child | null = null;
  const gate = new FaultGate((signal) => child?.kill(signal));
  const engine = await openEngineProxy(gate);
  const store = await openEtcdProxy(gate, etcd.url);
  const [admin] = await findFreePorts(1);
  const behind = ['--docker', engine.host, '--etcd', store.url, '--leader-ttl', `${ttlMs}ms`];
  const start = async () => {
    child = slipway.launch('serve', ['--no-proxy', '--admin', `127.0.0.1:${admin}`, ...behind]);
    await waitFor('the second controller', async () => (await fetch(`http://127.0.0.1:${admin}/readyz`)).ok);
  };
  await start();
  return {
    gate,
    pid: () => child?.pid ?? 0,
    signal: (signal: 'SIGCONT') => child?.kill(signal),
    restart: start,
    close: async () => {
      await child?.stop(30_000);
      await engine.close();
      await store.close();
    },
  };
}

/** Null when the leadership had moved by itself before the leader was stopped. */
async function playRound(
  service: Service,
  old: Controller,
  version: string,
  freeze: Freeze,
): Promise<Round | null> {
  const { slipway } = service;
  const term = await readLeader(slipway);
  const load = startLoad({ ...service.target, perSecond: 30 });
  old.gate.calls.length = 0;
  old.gate.arm({ kind: freeze.kind, nth: freeze.nth, of: isEngineChange });
  const requested = await service.ask(version);
  const isOver = async () => (await service.history()).some((each) => each.requested === requested);
  await waitFor('the leader to be stopped', async () => old.gate.struck !== null || (await isOver()), WAIT);
  const isKilled = freeze.kind.startsWith('kill');
  if (old.gate.struck === null) {
    old.gate.disarm();
    const now = await readLeader(slipway);
    if (now.createRevision !== term.createRevision || now.pid !== old.pid()) {
      await service.until('rest', ({ rollout }) => rollout === null);
      await load.stop();
      return null;
    }
    if (isKilled) old.gate.kill();
    else old.gate.freeze();
  }
  const frozenAt = performance.now();
  const next = await waitFor(
    'the other to take over',
    async () => await readNext(slipway, term.createRevision),
    WAIT,
  );
  const takenAt = performance.now();
  if (freeze.thaws === 'at-once' && !isKilled) old.signal('SIGCONT');
  const { outcome } = await service.finish(requested);
  await service.until('rest', ({ rollout }) => rollout === null);
  if (isKilled) {
    old.gate.disarm();
    await old.restart();
  } else old.signal('SIGCONT');
  await sleep(MISCHIEF_MS);
  const offences = old.gate.calls
    .filter((call) => call.at > takenAt && isOffence(call))
    .map(({ what }) => what);
  const trace = old.gate.calls
    .filter(({ isChange }) => isChange)
    .map(({ what, at, landed }) => `${Math.round(at - frozenAt)} ${what} ${landed ?? ''}`.trim());
  const isSameTerm = (await readLeader(slipway)).createRevision === next.createRevision;
  const { failures, requests } = await load.stop();
  return {
    frozenAt: old.gate.struck?.what ?? null,
    takeoverMs: Math.round(takenAt - frozenAt),
    outcome,
    trace,
    offences: isSameTerm ? offences : [...offences, 'leadership changed again'],
    requests,
    lost: failures.map(({ what, reason }) => `${what}: ${reason}`),
  };
}

function isEngineChange({ side, isChange }: Call): boolean {
  return side === 'engine' && isChange;
}

/** A transaction whose guard fails changes nothing, and a lease that is granted to a candidate nothing but itself. */
function isOffence(call: Call): boolean {
  return isEngineChange(call) || call.landed === true || /^KV\/(Put|DeleteRange)$/.test(call.what);
}

async function readLeader(
  slipway: Slipway,
): Promise<{ readonly pid: number; readonly createRevision: number }> {
  const entry = await waitFor('a leader', async () => await slipway.store.get(slipway.keys.leader), WAIT);
  return { pid: JSON.parse(entry.value).pid, createRevision: entry.createRevision };
}

async function readNext(slipway: Slipway, former: number) {
  const entry = await slipway.store.get(slipway.keys.leader);
  if (entry === null) throw new Error('nobody leads');
  if (entry.createRevision === former) throw new Error(`${entry.value} leads as before`);
  return entry;
}
