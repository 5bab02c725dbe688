// The log: one line of JSON each, nothing lost at exit, nothing secret in it.
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { createAccessLog, createLog, type LogLevel } from '../../../src/telemetry/log.ts';

function record(level: LogLevel = 'debug') {
  const lines: string[] = [];
  return { log: createLog(level, { write: (line: string) => lines.push(line) }), lines };
}

const read = (line = '{}'): Record<string, unknown> => JSON.parse(line);

test('a line has level, time, fields and the message', () => {
  const { log, lines } = record();
  log.with({ service: 'web' }).warn('store unavailable', { attempt: 3 });
  expect(lines).toHaveLength(1);
  expect(read(lines[0])).toEqual({
    level: 'warn',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    service: 'web',
    attempt: 3,
    message: 'store unavailable',
  });
});

test('a line of the access log has its own time', () => {
  const lines: string[] = [];
  createAccessLog({ write: (line: string) => lines.push(line) })({ time: 'then', status: 200, path: '/"\n' });
  expect(lines).toEqual([
    '{"level":"info","time":"then","status":200,"path":"/\\"\\n","message":"request"}\n',
  ]);
});

test.each([
  ['debug', ['debug', 'info', 'warn', 'error']],
  ['info', ['info', 'warn', 'error']],
  ['warn', ['warn', 'error']],
  ['error', ['error']],
  ['silent', []],
] as const)('level %s writes %j', (level, expected) => {
  const { log, lines } = record(level);
  for (const each of ['debug', 'info', 'warn', 'error'] as const) log[each]('x');
  expect(lines.map((line) => read(line).level)).toEqual(expected);
});

describe('an error', () => {
  class Coded extends Error {
    readonly code = 'engine-away';
    readonly disposition: string;
    readonly request = { environment: ['PASSWORD=hunter2'] };
    constructor(disposition: string, cause?: unknown) {
      super('the engine does not answer', { cause });
      this.disposition = disposition;
    }
  }

  test('of ours: code, disposition, message and causes, without a stack', () => {
    const { log, lines } = record();
    log.error('pass failed', { error: new Coded('transient', new Error('ECONNREFUSED')) });
    const { error } = read(lines[0]);
    expect(error).toMatchObject({
      code: 'engine-away',
      disposition: 'transient',
      cause: { message: 'ECONNREFUSED' },
    });
    expect(error).not.toHaveProperty('stack');
  });

  test('that is a bug, or not ours, has its stack', () => {
    const { log, lines } = record();
    log.error('pass failed', { error: new Coded('bug') });
    log.error('pass failed', { error: new TypeError('x is not a function') });
    for (const line of lines) expect(read(line).error).toHaveProperty('stack');
  });

  test('shows nothing else that it carries', () => {
    const { log, lines } = record();
    log.error('pass failed', { error: new AggregateError([new Coded('bug')], 'two failed') });
    expect(lines.join()).not.toContain('hunter2');
    expect(read(lines[0]).error).toMatchObject({ errors: [{ code: 'engine-away' }] });
  });

  test('that is no Error is a text; one that causes itself ends', () => {
    const { log, lines } = record();
    const own = new Error('round');
    own.cause = own;
    log.error('pass failed', { error: 'plain' });
    log.error('pass failed', { error: own });
    expect(read(lines[0]).error).toBe('plain');
    expect(lines).toHaveLength(2);
  });
});

test('fields with the names of secrets are struck out', () => {
  const { log, lines } = record();
  log.info('x', {
    token: 'hunter2',
    config: { password: 'hunter2' },
    a: { b: { environment: { K: 'hunter2' } } },
  });
  expect(lines.join()).not.toContain('hunter2');
  expect(lines.join()).toContain('(struck out)');
});

describe('nothing is lost', () => {
  const module = new URL('../../../src/telemetry/log.ts', import.meta.url).href;
  const run = (ending: string) =>
    spawnSync(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `const { createLog } = await import(${JSON.stringify(module)}); const log = createLog('info');
       for (let i = 0; i < 1000; i += 1) log.info('line', { i }); ${ending}`,
      ],
      { encoding: 'utf8', timeout: 30_000, maxBuffer: 10_000_000 },
    );
  test.each([
    ['exit', 'process.exit(3)'],
    ['a kill', "process.kill(process.pid, 'SIGKILL')"],
    ['a throw', "throw new Error('x')"],
  ])('at %s', (_rule, ending) => {
    const lines = run(ending)
      .stderr.split('\n')
      .filter((line) => line.startsWith('{"level"'));
    expect(lines).toHaveLength(1000);
    expect(read(lines.at(-1))).toMatchObject({ i: 999 });
  });
});
