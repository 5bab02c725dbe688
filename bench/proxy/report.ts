// Figures → the table that is printed, with the ratios of the first contender to each of them.
import Table from 'cli-table3';
import { printLine } from '../figures.ts';
import { computeRatio, type Rounds, summarize } from './figures.ts';

export interface Column {
  /** Of the sample. */
  readonly figure: string;
  readonly heading: string;
  readonly digits: number;
  /** With the smallest and the largest of the rounds. */
  readonly isSpread?: boolean;
}

export interface Result {
  readonly name: string;
  readonly title: string;
  readonly columns: readonly Column[];
  /** The figures whose ratios are taken, of the base to each. */
  readonly ratios: readonly string[];
  /** Whose ratios they are; null for none. */
  readonly base: string | null;
  readonly rounds: Rounds;
}

export function describeLoadColumns(unit: string): Column[] {
  return [
    { figure: 'cpuUs', heading: `CPU µs\nper ${unit}`, digits: 1, isSpread: true },
    { figure: 'perSecond', heading: `${unit}s\nper second`, digits: 0 },
    { figure: 'busyPercent', heading: 'core\nbusy %', digits: 0 },
    { figure: 'p50Ms', heading: 'p50\nms', digits: 2 },
    { figure: 'p99Ms', heading: 'p99\nms', digits: 2 },
    { figure: 'residentMb', heading: 'RSS\nMB', digits: 0 },
    { figure: 'peakMb', heading: 'peak\nMB', digits: 0 },
  ];
}

export const IDLE_COLUMNS: readonly Column[] = [
  { figure: 'emptyMb', heading: 'RSS MB\nbefore', digits: 0 },
  { figure: 'residentMb', heading: 'RSS MB\nwith them', digits: 0 },
  { figure: 'peakMb', heading: 'peak\nMB', digits: 0 },
  { figure: 'kibPerConnection', heading: 'KiB per\nconnection', digits: 1, isSpread: true },
  { figure: 'cpuUsPerSecond', heading: 'CPU µs\nper second', digits: 0, isSpread: true },
];

export const SWAP_COLUMNS: readonly Column[] = [
  { figure: 'visibleMs', heading: 'until it\nanswers ms', digits: 1, isSpread: true },
  { figure: 'cpuMs', heading: 'CPU ms\nuntil then', digits: 1, isSpread: true },
  { figure: 'stallMs', heading: 'longest\nrequest ms', digits: 1, isSpread: true },
  { figure: 'undisturbedMs', heading: 'longest without\na change ms', digits: 1, isSpread: true },
];

export const SLOW_COLUMNS: readonly Column[] = [
  { figure: 'aloneP50Ms', heading: 'p50 ms\nalone', digits: 1 },
  { figure: 'aloneP99Ms', heading: 'p99 ms\nalone', digits: 1, isSpread: true },
  { figure: 'p50Ms', heading: 'p50 ms\nbeside', digits: 1 },
  { figure: 'p99Ms', heading: 'p99 ms\nbeside', digits: 1, isSpread: true },
  { figure: 'longestMs', heading: 'longest\nms', digits: 0 },
  { figure: 'directP99Ms', heading: 'p99 ms\nwithout it', digits: 1, isSpread: true },
  { figure: 'timesAlone', heading: 'p99 beside\n÷ alone', digits: 2, isSpread: true },
  { figure: 'peakMb', heading: 'peak\nMB', digits: 0 },
];

export function printResult(result: Result): void {
  printLine(`\n${result.name}: ${result.title}\n${formatResult(result)}`);
}

/** Medians of the rounds. */
export function formatResult({ columns, ratios, base, rounds }: Result): string {
  const headings = columns.map(({ heading }) => heading);
  const compared = base === null ? [] : ratios;
  const ratioHeadings = compared.map((figure) => `${base} ÷ it\n${figure}`);
  const table = new Table({
    head: ['', 'N', ...headings, ...ratioHeadings],
    style: { head: [], border: [], compact: true },
  });
  for (const { name, n, median, min, max } of summarize(rounds)) {
    const cells = columns.map(({ figure, digits, isSpread = false }) => {
      const [middle, least, most] = [median, min, max].map((each) =>
        (each[figure] ?? Number.NaN).toFixed(digits),
      );
      return isSpread ? `${middle} (${least}–${most})` : (middle ?? '');
    });
    const ratioCells = compared.map((figure) => computeRatio(rounds, figure, base ?? '', name).toFixed(2));
    table.push([name, String(n), ...cells, ...ratioCells]);
  }
  return table.toString();
}
