// An exact interleaving of weighted choices. Knows numbers only.
//
// Tijdeman's algorithm for the chairman assignment problem (Discrete Mathematics 32, 1980): after n picks the count of
// each choice differs from n × weight / total by at most 1 − 1/(2k − 2), k being the number of choices. Smooth
// weighted round robin (nginx) spreads as evenly but can be off by more than 1 once there are many choices.
//
// Weights 90 and 10: of the first ten picks the fifth or the sixth is the small one, and so on in every ten.

export class Wheel {
  readonly #weights: readonly number[];
  readonly #total: number;
  /** n × weight − count × total, per choice. They sum to 0 between picks. */
  readonly #credits: number[];

  /** Every weight is a positive integer. */
  constructor(weights: readonly number[]) {
    this.#weights = weights;
    this.#total = weights.reduce((sum, weight) => sum + weight, 0);
    this.#credits = weights.map(() => 0);
  }

  /** The index of the next choice: of those that are due, the one that would be late first. */
  next(): number {
    const credits = this.#credits;
    const span = 2 * credits.length - 2;
    let chosen = 0;
    let earliest = Number.POSITIVE_INFINITY;
    for (let index = 0; index < credits.length; index += 1) {
      const weight = this.#weights[index] ?? 0;
      const credit = (credits[index] ?? 0) + weight;
      credits[index] = credit;
      if (credit * span < this.#total) continue;
      const slack = (this.#total * (span - 1) - credit * span) / weight;
      if (slack >= earliest) continue;
      earliest = slack;
      chosen = index;
    }
    credits[chosen] = (credits[chosen] ?? 0) - this.#total;
    return chosen;
  }
}
