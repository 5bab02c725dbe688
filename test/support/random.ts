// Chance that comes again: the same seed gives the same numbers (Mulberry32, by Tommy Ettinger, public domain).

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** From `least` to `most`, both included. */
  integer(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  /** Choices that leave those that follow here as they were. */
  aside(): Random {
    return new Random(this.#state ^ 0x5bd1e995);
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  pick<const T extends readonly [unknown, ...unknown[]]>(of: T): T[number] {
    return of[Math.floor(this.next() * of.length)];
  }
}

/** Returns a function whose every call gives the next number in [0, 1). */
export function seedRandom(seed: number): () => number {
  const random = new Random(seed);
  return () => random.next();
}

/** `count` of them at most, each once, in the order that chance gives. */
export function sample<T>(all: readonly T[], count: number, random: () => number): readonly T[] {
  const left = [...all];
  const taken: T[] = [];
  while (taken.length < count && left.length > 0) {
    taken.push(...left.splice(Math.floor(random() * left.length), 1));
  }
  return taken;
}
