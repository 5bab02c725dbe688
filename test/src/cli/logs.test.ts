import { beforeEach, describe, expect, it } from 'vitest';
import { parseSpec } from '../../../src/spec/parse.ts';
import type { Revision } from '../../../strategies/model.ts';
import type { Behaviour } from '../../fakes/runtime.ts';
import { Stage } from './stage.ts';

let stage: Stage;

beforeEach(() => {
  stage = new Stage();
});

async function start(number: number, ordinal: number, behaviour: Behaviour = {}): Promise<void> {
  const parsed = parseSpec('image: shop/web\nport: 8080\n', 'web');
  if (!parsed.ok) throw new Error('the spec of this test is invalid');
  const image = stage.runtime.addImage('shop/web', `v${number}`, {
    log: [`hello from ${number}`, '\u001b[2Jclear'],
    ...behaviour,
  });
  const revision: Revision = {
    number,
    version: `v${number}`,
    image: 'shop/web',
    ...image,
    settingsHash: parsed.hash,
    settings: parsed.spec.settings,
    restart: 0,
    created: '2026-01-01T00:00:00Z',
  };
  const name = `web-r${number}-${ordinal}`;
  await stage.runtime.start({
    identity: { prefix: '/slipway', service: 'web', revision: number, ordinal },
    name,
    revision,
  });
}

describe('logs', () => {
  it('names the container where there are several', async () => {
    await start(1, 1);
    await start(2, 1);
    const { out, exit } = await stage.run('logs', 'web');
    expect(exit).toBe(0);
    expect(out).toContain('web-r1-1 | hello from 1\n');
    expect(out).toContain('web-r2-1 | hello from 2\n');
  });

  it('prints one container plainly, without what could drive a terminal', async () => {
    await start(1, 1);
    expect((await stage.run('logs', 'web')).out).toBe('hello from 1\n·[2Jclear\n');
  });

  it('prints only the revision that was asked for, and only so many lines', async () => {
    await start(1, 1);
    await start(2, 1);
    expect((await stage.run('logs', 'web', '--revision', '2', '--tail', '1')).out).toBe('·[2Jclear\n');
  });

  it('prints one JSON object for each line, the line whole', async () => {
    await start(2, 1, { log: ['hello', '\u001b[2J\u009b2J'] });
    const { out } = await stage.run('logs', 'web', '-o', 'json');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may reach a terminal
    expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
    expect(
      out
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([
      { container: 'web-r2-1', revision: 2, line: 'hello' },
      { container: 'web-r2-1', revision: 2, line: '\u001b[2J\u009b2J' },
    ]);
  });

  it('says that there is none', async () => {
    expect(await stage.run('logs', 'web', '--revision', '9')).toMatchObject({ exit: 1, out: '' });
    expect(stage.err).toContain('web has no containers of revision 9');
  });

  it.each([
    ['--tail', 'all'],
    ['--revision', 'last'],
  ])('refuses %s %s', async (...flag) => {
    expect((await stage.run('logs', 'web', ...flag)).exit).toBe(2);
  });
});

describe('logs -f', () => {
  const LINES = 'web-r1-1 | hello from 1\nweb-r1-1 | ·[2Jclear\n';

  async function follow(runs: () => boolean, ...flags: readonly string[]) {
    const following = stage.run('logs', 'web', '-f', ...flags);
    const timer = setInterval(() => {
      if (runs()) stage.interrupt.abort();
    }, 5);
    const ran = await following;
    clearInterval(timer);
    return ran;
  }
  const hasLines = (count: number) => () => stage.out.split('\n').length > count;

  it('goes on with a container that the engine restarts, and repeats no line', async () => {
    await start(1, 1, { exitsAfterMs: 50 });
    const ran = await follow(hasLines(6));
    expect(ran).toEqual({ exit: 130, out: LINES.repeat(3), err: '' });
    const [container] = await stage.runtime.list('/slipway', 'web');
    const printed = await stage.runtime.tailLog(container?.id ?? '', 100);
    // Three runs have been: with fewer of them, lines were repeated.
    expect(printed.length).toBeGreaterThanOrEqual(6);
  });

  it('prints one JSON object for each line', async () => {
    await start(1, 1);
    const { out } = await follow(hasLines(1), '-o', 'json', '--tail', '1');
    expect(out).toBe('{"container":"web-r1-1","revision":1,"line":"\\u001b[2Jclear"}\n');
  });

  it('joins containers that start meanwhile', async () => {
    await start(1, 1);
    const joined = setInterval(() => {
      if (!hasLines(2)()) return;
      clearInterval(joined);
      void start(2, 1, { log: ['hi'] });
    }, 5);
    expect((await follow(hasLines(3))).out).toBe(`${LINES}web-r2-1 | hi\n`);
  });

  it('shows what one printed that has ended before it was seen to run', async () => {
    await start(1, 1, { exitsAfterMs: 0 });
    expect((await follow(hasLines(2), '--tail', '2')).out).toBe(LINES);
  });
});
