// What lives on of one service from table to table: its targets, the state of its split, its parked requests and its
// counters.
//
// INVARIANTS
// - The entry in force is replaced by one assignment. What follows from it may come later, since it takes its time, but
//   before anybody is given a target: no request sees the new entry with the targets of the old one.
import {
  countClass,
  type MutableClassCounts,
  RevisionCounters,
  type Role,
  type ServiceStats,
} from '../counters.ts';
import type { TargetError } from '../errors.ts';
import { Mirroring } from './mirroring.ts';
import { ParkingLot } from './park.ts';
import { Picker, type Wish } from './picker.ts';
import { RetryBudget } from './retry-budget.ts';
import type { ServiceEntry, ServiceSettings } from './table.ts';
import { type Target, TargetSet } from './target.ts';

export class Service {
  readonly name: string;
  readonly lot = new ParkingLot();
  readonly targets: TargetSet;
  readonly mirroring = new Mirroring();
  readonly budget = new RetryBudget();
  retries = 0;
  readonly #picker = new Picker();
  readonly #unserved: MutableClassCounts = [0, 0, 0, 0, 0];
  readonly #revisions = new Map<number, RevisionCounters>();
  #entry: ServiceEntry;
  #routed = true;
  /** Targets, shares and counters are still those of an entry before. */
  #isBehind = false;

  constructor(name: string, entry: ServiceEntry, onIdle: () => void) {
    this.name = name;
    this.#entry = entry;
    this.targets = new TargetSet(() => {
      this.#dropCounters();
      onIdle();
    });
  }

  get entry(): ServiceEntry {
    return this.#entry;
  }

  get settings(): ServiceSettings {
    return this.#entry.settings;
  }

  /** False once the service has left the table. */
  get routed(): boolean {
    return this.#routed;
  }

  /** The entry is in force from now on; what follows from it is for `follow`. */
  assign(entry: ServiceEntry): void {
    this.#entry = entry;
    this.#routed = true;
    this.#isBehind = true;
  }

  /** Out of the table: all targets retire, which is for `follow`, and what is parked finds no route. */
  remove(): void {
    this.#routed = false;
    this.#isBehind = true;
  }

  /** At the latest when somebody asks for a target. */
  follow(): void {
    if (!this.#isBehind) return;
    this.#isBehind = false;
    const { split, targets, settings } = this.#entry;
    this.targets.replace(this.#routed ? targets : [], this.#routed ? settings.slowStartMs : 0);
    this.#readmit();
    this.#picker.replace(this.#routed ? split : [], this.targets.held);
    if (this.#routed) this.#addCounters();
    this.#dropCounters();
  }

  hasTarget(forced: number | null): boolean {
    this.follow();
    return this.#picker.hasTarget(forced);
  }

  /** Picks and claims in one step; the caller releases the target. */
  claim(wish: Wish): Target | null {
    this.follow();
    const target = this.#picker.pick(wish, performance.now());
    return target?.claim() === true ? target : null;
  }

  /** Of another revision that the table holds, the one with most weight and then the latest, if a retry may be made. */
  claimOther(revision: number): Target | null {
    this.follow();
    const other = this.#picker.findOther(revision);
    if (other === null || !this.mayRepeat()) return null;
    return this.claim({ forced: other, preferred: null, tried: null });
  }

  /** A request may be sent a second time: the service's share of such is not spent. Counts it. */
  mayRepeat(): boolean {
    if (!this.budget.take(this.settings.retryPercent, performance.now())) return false;
    this.retries += 1;
    return true;
  }

  /**
   * The target took no connection, or broke one off: others are asked first for a while. What fails in that while counts
   * no more: many at once are no proof that it is down, but perhaps that this process was late.
   */
  passOver(target: Target, reason: TargetError): void {
    const { health } = target;
    const now = performance.now();
    const isCounted = reason.startsWith('connect-') && !health.isAside(now);
    health.setAside(now);
    if (!isCounted) return;
    const { ejection } = this.settings;
    const errors = health.countError();
    if (ejection === null || errors < ejection.errors || !target.held) return;
    const isLast = !this.targets.held.some(
      (other) => other !== target && other.revision === target.revision && !other.health.isEjected,
    );
    if (!isLast) health.eject(ejection.timeMs);
  }

  countersOf(revision: number): RevisionCounters | undefined {
    return this.#revisions.get(revision);
  }

  countUnserved(status: number): void {
    countClass(this.#unserved, status);
  }

  stats(): ServiceStats {
    const inFlight = new Map<number, number>();
    for (const target of this.targets.known()) {
      inFlight.set(target.revision, (inFlight.get(target.revision) ?? 0) + target.inFlight - target.mirrors);
    }
    return {
      parked: this.lot.size,
      ejected: this.targets.held.filter(({ health }) => health.isEjected).length,
      retries: this.retries,
      mirror: this.mirroring.stats(),
      unserved: [...this.#unserved],
      revisions: [...this.#revisions.values()].map((each) => each.stats(inFlight.get(each.revision) ?? 0)),
    };
  }

  /** No revision is left with ejected targets alone. */
  #readmit(): void {
    const { held } = this.targets;
    const served = new Set(held.flatMap(({ health, revision }) => (health.isEjected ? [] : [revision])));
    for (const { health, revision } of held) {
      if (this.settings.ejection === null || !served.has(revision)) health.readmit();
    }
  }

  #addCounters(): void {
    for (const revision of namedRevisions(this.#entry)) {
      const role = roleOf(this.#entry, revision);
      const present = this.#revisions.get(revision);
      if (present === undefined) this.#revisions.set(revision, new RevisionCounters(revision, role));
      else present.play(role);
    }
  }

  /** A revision's numbers go once the table does not name it and its last request has ended. */
  #dropCounters(): void {
    const named = this.#routed ? namedRevisions(this.#entry) : new Set<number>();
    for (const target of this.targets.known()) named.add(target.revision);
    for (const revision of [...this.#revisions.keys()]) {
      if (!named.has(revision)) this.#revisions.delete(revision);
    }
  }
}

function namedRevisions(entry: ServiceEntry): Set<number> {
  const named = new Set([...entry.split, ...entry.targets].map(({ revision }) => revision));
  if (entry.roles.stable !== null) named.add(entry.roles.stable);
  if (entry.roles.candidate !== null) named.add(entry.roles.candidate);
  return named;
}

function roleOf(entry: ServiceEntry, revision: number): Role {
  if (entry.roles.stable === revision) return 'stable';
  return entry.roles.candidate === revision ? 'candidate' : '';
}
