import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Keepers } from '../../../src/app/keepers.ts';
import { isRunning, readProxyPid, removePid, writePid } from '../../../src/app/pid-file.ts';
import { type Child, startChild } from '../../support/child.ts';
import { waitFor } from '../../support/wait.ts';

let folder: string;
let children: Child[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-keepers-'));
  children = [];
});
afterEach(async () => {
  for (const child of children) await child.stop();
  rmSync(folder, { recursive: true });
});

/** A process whose command line is that of `slipway COMMAND`; it does nothing. */
async function standIn(command: 'serve' | 'proxy'): Promise<Child> {
  const main = join(folder, 'main.js');
  writeFileSync(main, 'setInterval(() => undefined, 1000);');
  const child = startChild(process.execPath, [main, command]);
  children.push(child);
  await waitFor('its command line', () => isRunning(child.pid, command));
  return child;
}

describe('the controllers that keep one proxy', () => {
  it('know each other while they live, also when one could not say goodbye', async () => {
    const pidFile = join(folder, 'data', 'proxy-80.pid');
    const [one, two] = [await standIn('serve'), await standIn('serve')];
    const [first, second] = [one, two].map(({ pid }) => new Keepers(pidFile, pid));
    first?.join();
    expect(first?.listOthers()).toEqual([]);
    second?.join();
    expect(first?.listOthers()).toEqual([two.pid]);
    expect(second?.listOthers()).toEqual([one.pid]);
    const before = [first?.countBefore(), second?.countBefore()];
    expect(before).toEqual(one.pid < two.pid ? [0, 1] : [1, 0]);
    one.kill('SIGKILL');
    await one.exited;
    expect(second?.listOthers()).toEqual([]);
    second?.leave();
    expect(readdirSync(join(folder, 'data'))).toEqual([`proxy-80.${one.pid}.keeper`]);
  });

  it('of another proxy, and other programs with the same pid, do not count', async () => {
    const other = await standIn('proxy');
    new Keepers(join(folder, 'proxy-80.pid'), other.pid).join();
    new Keepers(join(folder, 'proxy-81.pid'), (await standIn('serve')).pid).join();
    expect(new Keepers(join(folder, 'proxy-80.pid'), process.pid).listOthers()).toEqual([]);
  });
});

describe('the pid file', () => {
  it('names a proxy that lives, and is taken away once, by whoever it names', async () => {
    const path = join(folder, 'data', 'proxy-80.pid');
    expect(readProxyPid(path)).toBeNull();
    const proxy = await standIn('proxy');
    writePid(path, proxy.pid);
    expect(readProxyPid(path)).toBe(proxy.pid);
    expect(removePid(path, process.pid)).toBe(false);
    expect(readFileSync(path, 'utf8')).toBe(`${proxy.pid}\n`);
    await proxy.stop();
    expect(readProxyPid(path)).toBeNull();
    expect([removePid(path, proxy.pid), removePid(path, proxy.pid)]).toEqual([true, false]);
  });

  it('is never empty while it is written anew', async () => {
    const path = join(folder, 'proxy-80.pid');
    const url = new URL('../../../src/app/pid-file.ts', import.meta.url).href;
    const script = join(folder, 'writer.mjs');
    writeFileSync(script, `import { writePid } from '${url}'; for (;;) writePid('${path}', 4711);`);
    children.push(startChild(process.execPath, [script]));
    await waitFor('the file', () => existsSync(path));
    const texts = new Set(Array.from({ length: 20_000 }, () => readFileSync(path, 'utf8')));
    expect([...texts]).toEqual(['4711\n']);
  });

  it.each(['', 'x', '1', '-5', '0'])('that holds %j names nobody', (text) => {
    writeFileSync(join(folder, 'p.pid'), text);
    expect(readProxyPid(join(folder, 'p.pid'))).toBeNull();
  });
});
