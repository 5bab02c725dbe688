// The simulated store: one service's keys with their revisions. A plan lands as one transaction or not at all.
import { EMPTY_MEMORY } from '../../strategies/decide.ts';
import type {
  Command,
  FinishedRollout,
  Memory,
  Observed,
  Parsed,
  Plan,
  Revision,
  RouteEntry,
  Written,
} from '../../strategies/model.ts';

type Weights = Readonly<Record<string, number>>;

export class SimStore {
  revision = 0;
  specRevision = 0;
  version: Written<Parsed<string>> | null = null;
  weights: Written<Parsed<Weights>> | null = null;
  command: Written<Parsed<Command>> | null = null;
  freeze: string | null = null;
  memory: Memory = EMPTY_MEMORY;
  revisions: readonly Revision[] = [];
  route: Written<RouteEntry> | null = null;
  quarantined: readonly string[] = [];
  history: readonly FinishedRollout[] = [];
  isRetired = false;

  next(): number {
    this.revision += 1;
    return this.revision;
  }

  read(): Pick<
    Observed,
    | 'specRevision'
    | 'version'
    | 'weights'
    | 'command'
    | 'freeze'
    | 'memory'
    | 'revisions'
    | 'route'
    | 'quarantined'
  > {
    const { specRevision, version, weights, command, freeze, memory, revisions, route, quarantined } = this;
    return { specRevision, version, weights, command, freeze, memory, revisions, route, quarantined };
  }

  /** Whether anything was written. Everything survives the trip through JSON, or it does not survive. */
  commit(plan: Plan, now: number): boolean {
    const { writes } = plan;
    const isSame = JSON.stringify(plan.memory) === JSON.stringify(this.memory);
    if (isSame && Object.keys(writes).length === 0) return false;
    const revision = this.next();
    this.memory = JSON.parse(JSON.stringify(plan.memory));
    if (writes.route !== undefined) {
      this.route =
        writes.route === null ? null : { value: JSON.parse(JSON.stringify(writes.route)), revision };
    }
    const created = new Date(now).toISOString();
    const added = (writes.revisions ?? []).map((r) => ({ ...r, created }));
    const forgotten = writes.forget ?? [];
    this.revisions = [...this.revisions, ...added].filter((r) => !forgotten.includes(r.number));
    this.history = [...this.history, ...(writes.finished ?? [])];
    this.#quarantine(writes);
    if (writes.consume !== undefined && writes.consume === this.command?.revision) this.command = null;
    if (writes.retired === true) this.#retire();
    return true;
  }

  #quarantine({ quarantine, unquarantine }: Plan['writes']): void {
    if (quarantine !== undefined) this.quarantined = [...this.quarantined, quarantine.digest];
    if (unquarantine !== undefined) this.quarantined = this.quarantined.filter((d) => d !== unquarantine);
  }

  #retire(): void {
    this.isRetired = true;
    this.memory = EMPTY_MEMORY;
    this.revisions = [];
    this.quarantined = [];
    this.command = null;
  }
}
