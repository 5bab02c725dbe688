// What the README shows of `release --wait` is what the program prints.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { EXIT } from '../../../src/cli/exit.ts';
import type { Ended } from '../../../src/cli/verdict.ts';
import { describeEnd, describeProgress } from '../../../src/cli/words.ts';
import { canaryStatus, finishedAs } from './views.ts';

const README = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');
const [, SHOWN = ''] = /```\n(\$ slipway release web v2 --wait.*?)```/s.exec(README) ?? [];
const STARTED = { started: '2026-01-01T00:00:00Z' };
const SECONDS_54 = { ...STARTED, ended: '2026-01-01T00:00:54Z' };
const SECONDS_16 = { ...STARTED, ended: '2026-01-01T00:00:16Z' };

it('shows a rollout that holds', () => {
  const message = 'Holding at 10 % for another 10 minutes.';
  const step = { index: 1, count: 5, what: 'pause 10m', ...STARTED, ends: null };
  const line = describeProgress(canaryStatus({ message, step }));
  expect(SHOWN.split('\n')).toContain(`web v2: ${line}`);
});

it('shows a good end', () => {
  const finished = { ...finishedAs('succeeded'), ...SECONDS_54 };
  const ended = { outcome: 'succeeded', reason: null, message: 'All traffic is on it.', finished } as const;
  expect(SHOWN).toContain(print('web v2', { kind: 'ended', exit: EXIT.done, ...ended }));
});

it('shows a bad end, with its evidence', () => {
  const [replica, probe, log] = ['web-r3-1', 'GET /health → 500', ['version v3 listens on 8080']];
  const evidence = [{ replica, probe, exitCode: null, outOfMemory: false, log }];
  const finished = { ...finishedAs('rolled-back'), ...SECONDS_16, evidence };
  const message = `${replica} failed its probe 3 times in a row: ${probe}.`;
  const ended = { outcome: 'rolled-back', reason: 'probe-failed', message, finished } as const;
  expect(SHOWN).toContain(print('web v3', { kind: 'ended', exit: EXIT.rolledBack, ...ended }));
});

function print(subject: string, ended: Ended): string {
  const { candidate } = canaryStatus();
  const stable = candidate === null ? null : { ...candidate, revision: 2 };
  return `\n${describeEnd(subject, ended, { stable }).join('\n')}\n`;
}
