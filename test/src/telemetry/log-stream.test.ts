// Lines that cannot be written are lost, and nothing else is: no call throws, and the next line that can be written says so.
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createLog } from '../../../src/telemetry/log.ts';
import { openLogStream } from '../../../src/telemetry/log-stream.ts';

function fail(code: string): never {
  throw Object.assign(new Error(code), { code });
}

/** A descriptor that takes so many bytes at once, or answers with an error. */
function openDescriptor() {
  const state = { text: '', takes: Number.POSITIVE_INFINITY, error: '' };
  const write = (bytes: Uint8Array): number => {
    if (state.error !== '') fail(state.error);
    const taken = Math.min(bytes.length, state.takes);
    state.text += Buffer.from(bytes.subarray(0, taken)).toString();
    return taken;
  };
  return { state, write };
}

describe('a log stream', () => {
  it('writes a line whole, also where the descriptor takes it in pieces', () => {
    const { state, write } = openDescriptor();
    state.takes = 3;
    openLogStream(write).write('{"message":"1234567890"}\n');
    expect(state.text).toBe('{"message":"1234567890"}\n');
  });

  it('loses lines while the disk is full, says why meanwhile, and once how many when there is room again', () => {
    const { state, write } = openDescriptor();
    const stream = openLogStream(write);
    stream.write('one\n');
    state.error = 'ENOSPC';
    stream.write('two\n');
    stream.write('three\n');
    expect(stream.trouble()).toContain('(ENOSPC): 2 lines are lost');
    state.error = '';
    stream.write('four\n');
    stream.write('five\n');
    expect(stream.trouble()).toBeNull();
    const [first, said = '', ...rest] = state.text.trimEnd().split('\n');
    expect([first, ...rest]).toEqual(['one', 'four', 'five']);
    expect(JSON.parse(said)).toMatchObject({ level: 'warn', lines: 2, why: 'ENOSPC' });
  });

  it('begins a line of its own after one that broke off', () => {
    let room = 4;
    let text = '';
    const stream = openLogStream((bytes) => {
      if (room === 0) fail('ENOSPC');
      const taken = Math.min(room, bytes.length);
      room -= taken;
      text += Buffer.from(bytes.subarray(0, taken)).toString();
      return taken;
    });
    stream.write('{"message":"one"}\n');
    room = 10_000;
    stream.write('{"message":"two"}\n');
    const [torn, said = '', whole] = text.split('\n');
    expect([torn, whole]).toEqual(['{"me', '{"message":"two"}']);
    expect(JSON.parse(said)).toMatchObject({ lines: 1 });
  });

  it('waits for a slow reader, once, and then drops what nobody reads', () => {
    let asked = 0;
    const stream = openLogStream((bytes) => {
      asked += 1;
      return asked < 3 ? fail('EAGAIN') : bytes.length;
    });
    stream.write('one\n');
    expect(stream.trouble()).toBeNull();
    const stuck = openLogStream(() => fail('EAGAIN'));
    stuck.write('one\n');
    stuck.write('two\n');
    expect(stuck.trouble()).toContain('(EAGAIN): 2 lines are lost');
  });
});

describe('on a real descriptor that is always full', () => {
  it('the log throws nothing', () => {
    const full = openSync('/dev/full', 'w');
    const stream = openLogStream((bytes) => writeSync(full, bytes));
    const log = createLog('info', stream);
    log.info('one');
    log.with({ service: 'web' }).error('two', { error: new Error('x') });
    closeSync(full);
    expect(stream.trouble()).toContain('(ENOSPC): 2 lines are lost');
  });

  it('as standard error, a program goes on to its end', () => {
    const module = new URL('../../../src/telemetry/log.ts', import.meta.url).href;
    const full = openSync('/dev/full', 'w');
    const script = `const { createLog } = await import(${JSON.stringify(module)}); const log = createLog('info');
      log.info('one'); setImmediate(() => { log.warn('two'); process.stdout.write('went on'); });`;
    const args = ['--input-type=module', '-e', script];
    const ended = spawnSync(process.execPath, args, { stdio: ['ignore', 'pipe', full], timeout: 30_000 });
    closeSync(full);
    expect([ended.status, ended.stdout.toString()]).toEqual([0, 'went on']);
  });
});
