import { describe, expect, it } from 'vitest';
import { formatResult, type Result } from '../../../bench/proxy/report.ts';

const RESULT: Result = {
  name: 'small',
  title: '100 bytes',
  columns: [
    { figure: 'cpuUs', heading: 'CPU', digits: 1, isSpread: true },
    { figure: 'perSecond', heading: 'rate', digits: 0 },
  ],
  ratios: ['cpuUs'],
  base: 'ours',
  rounds: {
    ours: [
      { cpuUs: 90, perSecond: 1000 },
      { cpuUs: 40, perSecond: 3000 },
    ],
    nginx: [
      { cpuUs: 30, perSecond: 9000 },
      { cpuUs: 20, perSecond: 9001 },
    ],
  },
};

/** The cells of each row. */
function readRows(text: string): string[][] {
  const rows = text.split('\n').filter((line) => line.startsWith('│'));
  return rows.map((row) =>
    row
      .split('│')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

describe('a table', () => {
  it('has medians, bounds, and the ratio of ours to each', () => {
    expect(readRows(formatResult(RESULT))).toEqual([
      ['', 'N', 'CPU', 'rate', 'ours ÷ it'],
      ['', '', '', '', 'cpuUs'],
      ['ours', '2', '65.0 (40.0–90.0)', '2000', '1.00'],
      ['nginx', '2', '25.0 (20.0–30.0)', '9001', '2.50'],
    ]);
  });

  it('has no ratios without a base', () => {
    expect(readRows(formatResult({ ...RESULT, base: null }))[0]).toEqual(['', 'N', 'CPU', 'rate']);
  });
});
