// Runs vitest with the arguments given, then says in one last line what was executed: `N passed, N failed`. Fails
// when a test failed, when none ran, and when vitest ended without counting, whatever it says of itself.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { TestCount } from './test-count.ts';

const ROOT = resolve(import.meta.dirname, '..');

async function main(args: readonly string[]): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-count-'));
  try {
    const path = join(folder, 'count.json');
    const code = await runVitest(args, path);
    return report(existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null, code);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function runVitest(args: readonly string[], countPath: string): Promise<number> {
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  const reporters = ['--reporter=default', `--reporter=${join(ROOT, 'scripts/test-count.ts')}`];
  return new Promise((settle, reject) => {
    const child = spawn(process.execPath, [vitest, 'run', ...reporters, ...args], {
      cwd: ROOT,
      stdio: 'inherit',
      env: { ...process.env, TEST_COUNT_FILE: countPath },
    });
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.on(signal, () => child.kill(signal));
    child.once('error', reject);
    child.once('exit', (code) => settle(code ?? 1));
  });
}

function report(count: TestCount | null, code: number): number {
  if (count === null) {
    process.stderr.write('vitest ended without a count\n');
    process.stdout.write('0 passed, 1 failed\n');
    return code === 0 ? 1 : code;
  }
  for (const problem of count.problems) process.stderr.write(`counted as failed: ${problem}\n`);
  const ran = count.passed + count.failed;
  const failed = count.failed === 0 && (ran === 0 || code !== 0) ? 1 : count.failed;
  if (ran === 0) process.stderr.write('no test ran\n');
  const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : '';
  process.stdout.write(`${count.passed} passed, ${failed} failed${skipped}\n`);
  return failed > 0 ? 1 : 0;
}

process.exit(await main(process.argv.slice(2)));
