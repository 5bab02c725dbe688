// Two projects of one run: `unit` needs nothing but Node; `real` runs on a real engine and etcd, a few files at a time.
import { defineConfig } from 'vitest/config';
import LongestFirst from './scripts/longest-first.ts';

const REAL = [
  'test/integration/**/*.test.ts',
  'test/e2e/**/*.test.ts',
  'test/contract/**/*.test.ts',
  'test/faults/**/*.test.ts',
  // Needs no engine, but minutes of computing: it takes what the waiting of the others leaves.
  'test/sim/daemon.test.ts',
];

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
          exclude: REAL,
          setupFiles: ['test/support/seed.ts'],
          testTimeout: 30_000,
          hookTimeout: 30_000,
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
          // Most of the time of these is waiting, and one of the three is the simulation, which gives way.
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
