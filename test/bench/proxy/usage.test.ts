import { afterEach, describe, expect, it } from 'vitest';
import { parseSchedstat, parseStatus, readCpuMs, readMemory } from '../../../bench/proxy/usage.ts';
import { type Child, startChild } from '../../support/child.ts';
import { waitFor } from '../../support/wait.ts';

describe('a schedstat', () => {
  it('says how long it ran, in nanoseconds', () => {
    expect(parseSchedstat('2500000 140497 7\n')).toBe(2.5);
  });

  it.each(['', '2500000\n', 'no 1 2\n'])('that is none is refused: %j', (text) => {
    expect(() => parseSchedstat(text)).toThrow('not a schedstat');
  });
});

describe('a status', () => {
  it('says what is resident now, and was at most', () => {
    const text = 'Name:\tnginx\nVmHWM:\t    4096 kB\nVmRSS:\t    2048 kB\nThreads:\t1\n';
    expect(parseStatus(text)).toEqual({ residentMb: 2, peakMb: 4 });
  });

  it('without them, as that of a process that has ended, is refused', () => {
    expect(() => parseStatus('Name:\tnginx\nState:\tZ (zombie)\n')).toThrow('no memory');
  });
});

describe('a process with a child', () => {
  const BURNT_MS = 300;
  // Burns, then stays until its parent has gone.
  const burner = `const parent = process.ppid;
    while (process.cpuUsage().user < ${BURNT_MS * 1000});
    setInterval(() => process.ppid === parent || process.exit(), 50);`;
  let parent: Child | null = null;
  afterEach(() => parent?.stop());

  it('is read with what its child takes', async () => {
    parent = startChild('bash', ['-c', '"$0" -e "$1" & wait', process.execPath, burner]);
    const { pid } = parent;
    await waitFor('the child to burn', () => readCpuMs(pid) >= BURNT_MS, { timeoutMs: 25_000 });
    const { residentMb, peakMb } = readMemory(pid);
    // Of a shell alone it is a few.
    expect(residentMb).toBeGreaterThan(20);
    expect(peakMb).toBeGreaterThanOrEqual(residentMb);
  });
});
