// One pass of one service: read everything anew, decide, write in one transaction, then act. It never waits for what it
// set in motion and remembers nothing that is not in the store.
//
// INVARIANTS
// - state before effect: actions are carried out only after the memory that explains them has landed
// - a transaction that is lost to another writer changes nothing; the next pass reads again
// - what landed in one term is not acted on in another: somebody else may have led in between
import type { Plan } from '../../strategies/model.ts';
import type { Transaction } from '../store/port.ts';
import { draftTransactions } from './commit.ts';
import { Decider, type DeciderOptions, type Decision } from './decision.ts';
import { type Desired, readDesired } from './desired.ts';
import { reachRevision } from './echo.ts';
import { fillEvidence, isUrgent, postponeActions } from './evidence.ts';
import type { Pass } from './queue.ts';
import { retainUnpruned } from './retention.ts';
import { type Review, reviewDesired } from './review.ts';
import { formatNews, formatStatus, type StatusDocument } from './status.ts';
import { planForgetting, planNothing, refuseCommand } from './unspecified.ts';

export interface ReconcilerOptions extends DeciderOptions {
  /** What this daemon refuses of a valid spec. */
  readonly review: Review;
  /** What a pass has decided, and from what, before anything of it lands. */
  readonly onDecision?: (decision: Decision) => void;
  /** After a pass has landed: for metrics, events and the log. */
  readonly onPass: (result: PassResult) => void;
}

export interface PassResult {
  readonly desired: Desired;
  readonly plan: Plan;
  readonly status: StatusDocument;
}

const CONFLICT_WAIT_MS = 20;
const LONGEST_CONFLICT_WAIT_MS = 5_000;
/** Every service is looked at this often even if nothing happened. */
const RESYNC_MS = 30_000;

const NOTHING: Pass = { wakeAt: null, again: false };

export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #decider: Decider;
  /** Services whose last verdict moved traffic before its logs were read. The next pass reads them, then acts. */
  readonly #urgent = new Set<string>();
  /** Transactions lost in a row, while the mirror stood at this revision. */
  readonly #lost = new Map<string, { readonly revision: number; readonly times: number }>();

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.#decider = new Decider(options);
  }

  async pass(service: string): Promise<Pass> {
    const { mirror, keys, leader, clock, review } = this.#options;
    const permit = leader.permit();
    if (!permit()) return NOTHING;
    const desired = await reviewDesired(readDesired(mirror, keys, service), review);
    clock.reach(desired.record.at);
    if (desired.isRecordBroken) return this.#reportBroken(desired);
    if (desired.spec === null) return this.#passWithoutSpec(desired);
    const decision = await this.#decider.decide(desired, desired.spec, permit);
    if (decision === null) return NOTHING;
    this.#options.onDecision?.(decision);
    const { observed, plan: decided, at } = decision;
    const wasUrgent = this.#urgent.delete(service);
    if (!wasUrgent && isUrgent(decided, observed)) {
      this.#urgent.add(service);
      return this.#land(desired, postponeActions(decided, observed.memory), at);
    }
    const before = wasUrgent ? null : observed.memory;
    return this.#land(desired, await fillEvidence(decided, before, observed, this.#options.engine), at);
  }

  async #land(desired: Desired, decided: Plan, at: number): Promise<Pass> {
    const { mirror, keys, leader, store, clock, engine } = this.#options;
    const plan = retainUnpruned(desired, decided, engine);
    const { service } = desired;
    const { toWall } = clock;
    const status = formatStatus(desired, plan, at, toWall);
    const news = formatNews(mirror.get(keys.status(service))?.value ?? null, status);
    const existing = mirror.entries(keys.service(service));
    const draft = { desired, plan, keys, existing, now: at, toWall, status: news };
    const permit = leader.permit();
    const transactions = draftTransactions(draft, leader.guard());
    let landed = 0;
    for (const transaction of transactions) {
      const commit = await store.commit(transaction);
      if (!commit.ok) return this.#lose(service);
      this.#lost.delete(service);
      landed = commit.revision;
    }
    if (permit()) this.#act(desired, plan);
    this.#options.onPass({ desired, plan, status });
    await reachRevision(mirror, landed);
    if (plan.writes.retired === true) return this.#retire(service);
    const last = transactions.at(-1);
    const hasMoved = last !== undefined && isMove(plan, last, keys.rollout(service));
    return { wakeAt: Math.min(plan.wakeAt ?? Number.POSITIVE_INFINITY, at + RESYNC_MS), again: hasMoved };
  }

  #act(desired: Desired, plan: Plan): void {
    const { engine } = this.#options;
    const { service } = desired;
    for (const action of plan.actions) engine.execute(service, action);
    engine.keepImages(service, listImageIds(plan));
    if (plan.writes.finished !== undefined) engine.forgetTroubles(service);
  }

  // Somebody else wrote the record, or leads now: read again once the watch has told, and ever later while it does not.
  #lose(service: string): Pass {
    const { revision } = this.#options.mirror;
    const before = this.#lost.get(service);
    const times = before?.revision === revision ? before.times + 1 : 1;
    this.#lost.set(service, { revision, times });
    const waitMs = Math.min(LONGEST_CONFLICT_WAIT_MS, CONFLICT_WAIT_MS * 2 ** Math.min(times - 1, 10));
    return { wakeAt: this.#options.clock.now() + waitMs, again: false };
  }

  async #passWithoutSpec(desired: Desired): Promise<Pass> {
    const { engine, mirror, keys } = this.#options;
    const containers = await engine.observe(desired.service);
    if (containers.length > 0 || desired.specProblems.length > 0) return this.#reportUnspecified(desired);
    const isSpokenOf = mirror.get(keys.status(desired.service)) !== null || desired.command !== null;
    if (isSpokenOf) return this.#land(desired, planForgetting(desired), this.#options.clock.now());
    return this.#retire(desired.service);
  }

  #retire(service: string): Pass {
    this.#decider.forget(service);
    return NOTHING;
  }

  // A first spec that is refused, or containers of ours that nothing explains: told, and left alone.
  async #reportUnspecified(desired: Desired): Promise<Pass> {
    const isSpoilt = desired.specProblems.length > 0;
    const message = isSpoilt
      ? ''
      : 'Containers of this service run, but there is neither a spec nor a record of one.';
    return this.#tell(desired, isSpoilt ? 'invalid-spec' : 'internal-error', message);
  }

  async #reportBroken(desired: Desired): Promise<Pass> {
    const key = this.#options.keys.rollout(desired.service);
    const message = `${key} does not parse, so nothing is done; restore it, or delete it to begin anew.`;
    return this.#tell(desired, 'internal-error', message);
  }

  async #tell(desired: Desired, reason: 'invalid-spec' | 'internal-error', message: string): Promise<Pass> {
    const { mirror, keys, leader, store, clock } = this.#options;
    const now = clock.now();
    const plan = planNothing(desired, reason, message);
    if (desired.command !== null && !desired.isRecordBroken) {
      return this.#land(desired, refuseCommand(plan, desired.command.revision), now);
    }
    const status = formatStatus(desired, plan, now, clock.toWall);
    const key = keys.status(desired.service);
    const news = formatNews(mirror.get(key)?.value ?? null, status);
    if (news !== null) {
      const puts = [{ key, value: news }];
      const commit = await store.commit({ guards: [leader.guard()], puts, deletes: [] });
      if (commit.ok) await reachRevision(mirror, commit.revision);
    }
    this.#options.onPass({ desired, plan, status });
    return { wakeAt: clock.now() + RESYNC_MS, again: false };
  }
}

// A change of the status's words alone needs no second look.
function isMove(plan: Plan, { puts }: Transaction, recordKey: string): boolean {
  return Object.keys(plan.writes).length > 0 || puts.some(({ key }) => key === recordKey);
}

function listImageIds(plan: Plan): readonly string[] {
  const { rollout, manual } = plan.memory;
  const asked = plan.actions.flatMap((action) => (action.kind === 'resolve-image' ? [action.id] : []));
  const weighted =
    manual === null ? [] : Object.keys(manual.requested).map((v) => `weights-${manual.weightsRevision}-${v}`);
  return [...asked, ...weighted, ...(rollout === null ? [] : [rollout.id])];
}
