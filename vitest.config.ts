// Three projects of one run, one after the other: `unit` needs nothing but Node, `sim` plays generated worlds on all
// processors, `real` runs on a real engine and etcd, a few files at a time.
import { defineConfig } from 'vitest/config';
import LongestFirst from './scripts/longest-first.ts';

const REAL = [
  'test/integration/**/*.test.ts',
  'test/e2e/**/*.test.ts',
  'test/contract/**/*.test.ts',
  'test/faults/**/*.test.ts',
];
const WORLDS = 'test/sim/daemon.test.ts';

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    passWithNoTests: false,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [...REAL, WORLDS],
          setupFiles: ['test/support/seed.ts'],
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'sim',
          include: [WORLDS],
          testTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'real',
          include: REAL,
          globalSetup: ['test/support/global-setup.ts'],
          testTimeout: 180_000,
          hookTimeout: 120_000,
          teardownTimeout: 60_000,
          // Most of the time of these is waiting.
          maxWorkers: 3,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
