// The demo as the README names it: it ends by itself with nothing failed, and leaves nothing; interrupted, it leaves
// nothing either.
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { listImages } from '../../scripts/images.ts';
import { cleanEnvironment } from '../support/child.ts';
import { listContainers, removeEverything } from '../support/containers.ts';
import { waitFor } from '../support/wait.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const pids: (number | undefined)[] = [];

afterAll(async () => {
  for (const pid of pids) await removeEverything(`/slipway-demo-${pid}`);
});

interface Run {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  said(): string;
}

function startDemo(): Run {
  const child = spawn(process.execPath, ['scripts/demo.ts'], { cwd: ROOT, env: cleanEnvironment() });
  pids.push(child.pid);
  let text = '';
  child.stdout.on('data', (piece: Buffer) => {
    text += piece.toString();
  });
  child.stderr.on('data', (piece: Buffer) => {
    text += piece.toString();
  });
  const ended = new Promise<number | null>((settle) => child.once('exit', settle));
  return { child, ended, said: () => text };
}

async function expectNoTrace({ child: { pid } }: Run): Promise<void> {
  expect(await listContainers(`/slipway-demo-${pid}`)).toEqual([]);
  expect(await listImages(`slipway-test/demo-${pid}`)).toEqual([]);
  expect(readdirSync(tmpdir()).filter((name) => name.startsWith(`slipway-demo-${pid}-`))).toEqual([]);
}

describe('the demo', () => {
  it('releases v2 with every strategy, rolls the broken v3 back, and loses no request', async () => {
    const demo = startDemo();
    const code = await demo.ended;
    const last = demo.said().trimEnd().split('\n').at(-1);
    expect(last).toMatch(/^demo: \d{4,} requests, 0 failed, 8 releases succeeded, 4 rolled back, in \d+ s$/);
    expect(code).toBe(0);
    await expectNoTrace(demo);
  }, 400_000);

  it('leaves nothing when it is interrupted in the middle', async () => {
    const demo = startDemo();
    await waitFor('containers', () => demo.said().includes('Starting replicas of v1'), { timeoutMs: 60_000 });
    demo.child.kill('SIGINT');
    expect(await demo.ended).toBe(130);
    expect(demo.said()).toContain('interrupted by SIGINT');
    await expectNoTrace(demo);
  });
});
