// Samples → the row that is printed: count, minimum, median, maximum.
import Table from 'cli-table3';

export interface Series {
  readonly name: string;
  /** Milliseconds. */
  readonly samples: readonly number[];
}

export function computeMedian(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** `base` is what the ratios are to, by its name. */
export function printSeries(title: string, series: readonly Series[], base: string | null): void {
  const of = series.find(({ name }) => name === base);
  const whole = of === undefined ? null : computeMedian(of.samples);
  const head = ['', 'N', 'min ms', 'median ms', 'max ms', ...(base === null ? [] : [`÷ ${base}`])];
  const table = new Table({ head, style: { head: [], border: [] } });
  for (const { name, samples } of series) {
    const median = computeMedian(samples);
    const numbers = [Math.min(...samples), median, Math.max(...samples)].map((n) => n.toFixed(0));
    const ratio = whole === null ? [] : [(median / whole).toFixed(2)];
    table.push([name, String(samples.length), ...numbers, ...ratio]);
  }
  process.stdout.write(`\n${title}\n${table.toString()}\n`);
}

export function printLine(text: string): void {
  process.stdout.write(`${text}\n`);
}
