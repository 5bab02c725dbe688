// What a run of worlds went through: so that one sees that it did not pass by looking away.
import type { Plot } from './plot.ts';

const PARTS = ['sizes', 'acts', 'faults', 'rollouts'] as const;
/** The first of each group of sizes. */
const GROUPS = [0, 1, 2, 3, 5, 10, 15, 20] as const;

export class Tally {
  worlds = 0;
  /** `services 3-4`: in so many worlds; of replicas: so many services. */
  readonly sizes = new Map<string, number>();
  readonly acts = new Map<string, number>();
  readonly faults = new Map<string, number>();
  /** `canary release → rolled-back` */
  readonly rollouts = new Map<string, number>();

  /** To be told to another process. */
  toJSON() {
    const { worlds, sizes, acts, faults, rollouts } = this;
    return { worlds, sizes: [...sizes], acts: [...acts], faults: [...faults], rollouts: [...rollouts] };
  }

  static from(told: ReturnType<Tally['toJSON']>): Tally {
    const tally = new Tally();
    tally.worlds = told.worlds;
    for (const part of PARTS) for (const [name, count] of told[part]) increase(tally[part], name, count);
    return tally;
  }

  add(other: Tally): void {
    this.worlds += other.worlds;
    for (const part of PARTS) for (const [name, count] of other[part]) increase(this[part], name, count);
  }

  /** A world that was played to its end. */
  count({ services, proxies, controllers, acts, faults }: Plot): void {
    this.worlds += 1;
    const sizes = { services, proxies, 'acts a world': acts, 'faults a world': faults };
    for (const [what, all] of Object.entries(sizes)) increase(this.sizes, `${what} ${groupOf(all.length)}`);
    increase(this.sizes, `controllers ${groupOf(controllers)}`);
    for (const { spec } of services) increase(this.sizes, `replicas ${groupOf(spec.replicas)}`);
  }

  lines(): readonly string[] {
    return [
      ...listFirst(this.sizes).map((what) => format(what, this.sizes, `${what} `)),
      format('acts', this.acts),
      format('faults', this.faults),
      ...listFirst(this.rollouts).map((strategy) => format(strategy, this.rollouts, `${strategy} `)),
    ];
  }
}

export function increase(counts: Map<string, number>, name: string, by = 1): void {
  counts.set(name, (counts.get(name) ?? 0) + by);
}

function groupOf(count: number): string {
  const index = GROUPS.findLastIndex((first) => first <= count);
  const [first = 0, next = Number.POSITIVE_INFINITY] = GROUPS.slice(index);
  if (next === first + 1) return `${first}`;
  return Number.isFinite(next) ? `${first}-${next - 1}` : `${first}+`;
}

// Everything of a name but its last part: `canary release → rolled-back` is of `canary`, `acts a world 3-4` of its words.
function listFirst(counts: ReadonlyMap<string, number>): readonly string[] {
  const firsts = [...counts.keys()].map((name) => name.replace(/ (?:\d\S*|\S+ → \S+)$/, ''));
  return [...new Set(firsts)].sort();
}

function format(title: string, counts: ReadonlyMap<string, number>, prefix = ''): string {
  const mine = [...counts].filter(([name]) => name.startsWith(prefix));
  const total = mine.reduce((sum, [, count]) => sum + count, 0);
  const parts = mine.map(([name, count]) => `${name.slice(prefix.length)}: ${count}`);
  const ordered = parts.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  return `${title.padEnd(16)}${total} (${ordered.join(', ')})`;
}
