// Tests that have to notice a defect, with the defect that the environment names in the sources.
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { plant, ROOT, readDefect } from './plant.ts';

const defect = readDefect();

export default defineConfig({
  plugins: [
    {
      name: 'planted-defect',
      enforce: 'pre',
      transform: (source, id) => plant(defect, id, source),
    },
  ],
  root: ROOT,
  // What is kept of a defect's run must not serve another.
  cacheDir: join(ROOT, '.slipway/planted'),
  test: {
    fsModuleCache: false,
    include: ['test/proxy/**/*.test.ts', 'test/sim/resync.test.ts'],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 5000,
  },
});
