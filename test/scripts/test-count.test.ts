import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(ROOT, 'node_modules/.slipway-count-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const PASSES = `it('passes', () => {});`;
const CASES = [
  [
    'counts what passed and what was skipped',
    `${PASSES} it.skip('later', () => {});`,
    '1 passed, 0 failed, 1 skipped',
    0,
  ],
  ['counts what failed', `${PASSES} it('fails', () => { throw new Error('no'); });`, '1 passed, 1 failed', 1],
  [
    'fails when the only tests are skipped',
    `it.skip('later', () => {});`,
    '0 passed, 1 failed, 1 skipped',
    1,
  ],
  ['counts a file without a test as failed', `export {};`, '0 passed, 1 failed', 1],
  ['counts a file that does not load as failed', `throw new Error('no');`, '0 passed, 1 failed', 1],
] as const;

/** Runs the given file alone, as `npm test` would, and returns the last line printed and the exit code. */
function runTests(text: string | null): { readonly last: string; readonly code: number | null } {
  rmSync(join(folder, 'a.test.ts'), { force: true });
  if (text !== null) writeFileSync(join(folder, 'a.test.ts'), text);
  writeFileSync(
    join(folder, 'vitest.config.ts'),
    `export default { test: { globals: true, pool: 'forks', include: ['*.test.ts'] } };`,
  );
  const args = [
    join(ROOT, 'scripts/test.ts'),
    '--root',
    folder,
    '--config',
    join(folder, 'vitest.config.ts'),
  ];
  const { stdout, status } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 });
  return { last: stdout.trimEnd().split('\n').at(-1) ?? '', code: status };
}

describe('the last line of a run', () => {
  it.each(CASES)('%s', (_what, text, last, code) => {
    expect(runTests(text)).toEqual({ last, code });
  });

  it('says that a worker died, and fails', () => {
    const { last, code } = runTests(`${PASSES} it('dies', () => { process.kill(process.pid, 'SIGKILL'); });`);
    expect(last).toMatch(/^\d+ passed, [1-9]\d* failed$/);
    expect(code).toBe(1);
  });

  it('says that nothing ran, and fails', () => {
    expect(runTests(null)).toEqual({ last: '0 passed, 1 failed', code: 1 });
  });
});
