import { beforeEach, describe, expect, it } from 'vitest';
import { parseSpec } from '../../../src/spec/parse.ts';
import type { Revision } from '../../../strategies/model.ts';
import { Stage } from './stage.ts';

let stage: Stage;

beforeEach(() => {
  stage = new Stage();
});

async function start(number: number, ordinal: number): Promise<void> {
  const parsed = parseSpec('image: shop/web\nport: 8080\n', 'web');
  if (!parsed.ok) throw new Error('the spec of this test is invalid');
  const image = stage.runtime.addImage('shop/web', `v${number}`, {
    log: [`hello from ${number}`, '\u001b[2Jclear'],
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
