// Commands over the admin server, while another controller leads that does not answer them.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Slipway, startSlipway } from '../support/slipway.ts';

const folder = mkdtempSync(join(tmpdir(), 'slipway-token-'));
const tokenFile = join(folder, 'token');
let slipway: Slipway;

beforeAll(async () => {
  writeFileSync(tokenFile, 'open-sesame\n');
  slipway = await startSlipway({ arguments: ['--admin-token-file', tokenFile] });
  await slipway.endDaemon('SIGTERM');
  await slipway.put(slipway.keys.leader, '{"id":"another"}');
  await slipway.put(slipway.keys.status('web'), '{"service":"web","phase":"paused"}');
  await slipway.startDaemon();
});
afterAll(async () => {
  await slipway?.stop();
  rmSync(folder, { recursive: true });
});

async function post(command: string): Promise<{ status: number; error?: string }> {
  const response = await fetch(`http://127.0.0.1:${slipway.ports.admin}/api/v1/services/web/command`, {
    method: 'POST',
    headers: { authorization: 'Bearer open-sesame', 'content-type': 'application/json' },
    body: JSON.stringify({ command }),
  });
  const { error }: { error?: string } = JSON.parse(await response.text());
  return { status: response.status, ...(error === undefined ? {} : { error }) };
}

it.each([
  ['promote', { status: 202 }, 'promote'],
  ['resume', { status: 409, error: 'command-waiting' }, 'promote'],
  ['abort', { status: 202 }, 'abort'],
  ['promote', { status: 409, error: 'command-waiting' }, 'abort'],
])('%s is answered with %j, and leaves %s', async (command, answer, left) => {
  expect(await post(command)).toEqual(answer);
  expect(await slipway.read(slipway.keys.command('web'))).toBe(left);
});
