// What a run of worlds went through: so that one sees that it did not pass by looking away.

export class Tally {
  worlds = 0;
  readonly acts = new Map<string, number>();
  readonly faults = new Map<string, number>();
  /** `canary release → rolled-back` */
  readonly rollouts = new Map<string, number>();

  /** To be told to another process. */
  toJSON() {
    const [acts, faults, rollouts] = [[...this.acts], [...this.faults], [...this.rollouts]];
    return { worlds: this.worlds, acts, faults, rollouts };
  }

  static from(told: ReturnType<Tally['toJSON']>): Tally {
    const tally = new Tally();
    tally.worlds = told.worlds;
    for (const part of ['acts', 'faults', 'rollouts'] as const) {
      for (const [name, count] of told[part]) increase(tally[part], name, count);
    }
    return tally;
  }

  add(other: Tally): void {
    this.worlds += other.worlds;
    for (const part of ['acts', 'faults', 'rollouts'] as const) {
      for (const [name, count] of other[part]) increase(this[part], name, count);
    }
  }

  lines(): readonly string[] {
    return [
      `acts      ${format(this.acts)}`,
      `faults    ${format(this.faults)}`,
      ...this.#strategies().map(
        (strategy) => `${strategy.padEnd(10)}${format(this.rollouts, `${strategy} `)}`,
      ),
    ];
  }

  #strategies(): readonly string[] {
    return [...new Set([...this.rollouts.keys()].map((name) => name.split(' ')[0] ?? ''))].sort();
  }
}

export function increase(counts: Map<string, number>, name: string, by = 1): void {
  counts.set(name, (counts.get(name) ?? 0) + by);
}

function format(counts: ReadonlyMap<string, number>, prefix = ''): string {
  const mine = [...counts].filter(([name]) => name.startsWith(prefix)).sort(([a], [b]) => (a < b ? -1 : 1));
  const total = mine.reduce((sum, [, count]) => sum + count, 0);
  return `${total}: ${mine.map(([name, count]) => `${name.slice(prefix.length)} ${count}`).join(', ')}`;
}
