// Proof that the checks can fail: each defect is planted in a process of its own, and the worlds of the simulation, or a
// test of the proxy, have to notice it, in their own words.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { DEFECTS, type Defect } from './defects.ts';
import { plant, ROOT, VARIABLE } from './plant.ts';

const VITEST = join(ROOT, 'node_modules/vitest/vitest.mjs');
const CONFIG = join(ROOT, 'test/planted/vitest-config.ts');
const caught: string[] = [];

interface End {
  readonly code: number;
  readonly said: string;
}

function run(defect: Defect, args: readonly string[]): Promise<End> {
  const env = { ...process.env, [VARIABLE]: defect.name, NO_COLOR: '1' };
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: ROOT, env, maxBuffer: 1e8 }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), said: `${out}\n${err}` });
    });
  });
}

async function expectCaught(defect: Defect): Promise<void> {
  const { by } = defect;
  if (by.kind === 'worlds') {
    const worlds = ['--no-shrink', '--worlds', `${by.within}`, '--seed', `${by.from}`];
    const end = await run(defect, ['--import', './test/planted/hooks.ts', 'test/sim/run.ts', ...worlds]);
    expect(end.said).toMatch(by.words);
    expect(end.said).toContain('broken: seed ');
    expect(end.code).toBe(1);
  } else {
    const end = await run(defect, [VITEST, 'run', '--config', CONFIG, by.file, '-t', by.name]);
    expect(end.said).toMatch(new RegExp(`FAIL .*${by.name}`));
    expect(end.code).toBe(1);
  }
  caught.push(defect.name);
}

describe('a planted defect is caught', () => {
  it.each(DEFECTS)('$name', { timeout: 300_000 }, (defect) => expectCaught(defect));
});

it('is planted where it says, and nowhere else', () => {
  const [defect] = DEFECTS;
  if (defect === undefined) throw new Error('there are no defects');
  const path = join(ROOT, defect.file);
  expect(plant(defect, path, `a ${defect.find} b`)).toBe(`a ${defect.replace} b`);
  expect(plant(defect, join(ROOT, 'other.ts'), defect.find)).toBeNull();
  expect(() => plant(defect, path, 'something else')).toThrow(/has 0 of/);
});

afterAll(() => console.log(`${caught.length} / ${DEFECTS.length} planted defects caught`));
