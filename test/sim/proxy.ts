// One simulated proxy: applies what the store holds a while later, and finishes the requests of a target that left its
// table a while after that.
import type { ProxyState, RouteEntry } from '../../strategies/model.ts';
import { identify } from '../../strategies/world.ts';
import type { Timeline } from './timeline.ts';

export interface ProxyTraits {
  /** From the write of a table to its acknowledgement; null: never. */
  readonly appliesAfterMs: number | null;
  /** How long requests go on after their target has left. */
  readonly drainsAfterMs: number;
}

export class SimProxy {
  readonly id: string;
  traits: ProxyTraits;
  /** It serves on, but its key has gone. */
  isHidden = false;
  readonly #service: string;
  readonly #timeline: Timeline;
  readonly #onChange: () => void;
  #applied = 0;
  #entry: RouteEntry | null = null;
  #told: RouteEntry | null = null;
  #seen: RouteEntry | null = null;
  #toldAt = 0;
  #isRefusing = false;
  /** The routes belong to another service: an entry with any is refused. */
  isTaken = false;
  readonly #busy = new Map<string, number>();

  constructor(id: string, service: string, traits: ProxyTraits, timeline: Timeline, onChange: () => void) {
    this.id = id;
    this.traits = traits;
    this.#service = service;
    this.#timeline = timeline;
    this.#onChange = onChange;
  }

  tell(entry: RouteEntry | null, revision: number): void {
    this.#told = entry;
    this.#toldAt = revision;
    const { appliesAfterMs } = this.traits;
    if (appliesAfterMs !== null) this.#timeline.after(appliesAfterMs, () => this.#apply(entry, revision));
  }

  hide(isHidden: boolean): void {
    this.isHidden = isHidden;
    this.#onChange();
  }

  refuse(isRefusing: boolean): void {
    this.#isRefusing = isRefusing;
    if (!isRefusing) this.#swap(this.#told);
    this.#onChange();
  }

  /** Applies what it has missed, and whatever comes. */
  recover(): void {
    if (this.traits.appliesAfterMs !== null && !this.#isRefusing) return;
    this.traits = { ...this.traits, appliesAfterMs: this.traits.appliesAfterMs ?? 20 };
    this.#applied = Math.max(this.#applied, this.#toldAt);
    this.refuse(false);
  }

  state(): ProxyState {
    const isRefused = this.#isRefusing || (this.#applied > 0 && this.#refuses(this.#seen));
    const refused: Record<string, string> = isRefused ? { [this.#service]: 'routes: not a list' } : {};
    return { id: this.id, applied: this.#applied, busy: Object.fromEntries(this.#busy), refused };
  }

  names(target: string): boolean {
    return listTargets(this.#entry).includes(target);
  }

  isBusy(target: string): boolean {
    return this.#busy.has(target);
  }

  #apply(entry: RouteEntry | null, revision: number): void {
    if (revision <= this.#applied) return;
    this.#applied = revision;
    this.#seen = entry;
    if (!this.#refuses(entry)) this.#swap(entry);
    this.#onChange();
  }

  #refuses(entry: RouteEntry | null): boolean {
    return this.#isRefusing || (this.isTaken && (entry?.routes.length ?? 0) > 0);
  }

  #swap(entry: RouteEntry | null): void {
    const kept = listTargets(entry);
    const left = listTargets(this.#entry).filter((target) => !kept.includes(target));
    this.#entry = entry;
    for (const target of kept) this.#busy.delete(target);
    for (const target of left) this.#drain(target);
  }

  #drain(target: string): void {
    const { drainsAfterMs } = this.traits;
    if (drainsAfterMs === 0) return;
    this.#busy.set(target, 2);
    this.#timeline.after(drainsAfterMs, () => {
      if (this.#busy.delete(target)) this.#onChange();
    });
  }
}

function listTargets(entry: RouteEntry | null): readonly string[] {
  return (entry?.targets ?? []).map(({ revision, address }) => identify(revision, address));
}
