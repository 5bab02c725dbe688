import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pause, withDeadline } from '../../deploy/deadline.ts';
import { readRegistryAuth } from '../../deploy/registry-auth.ts';

const never = () => new Promise<never>(() => undefined);

test('a call that never settles ends in `timeout`, and is told to give up', async () => {
  let given: AbortSignal | null = null;
  const call = withDeadline({ timeoutMs: 20, what: 'list web' }, (signal) => {
    given = signal;
    return never();
  });
  await expect(call).rejects.toMatchObject({ code: 'timeout', message: 'list web: no answer within 20 ms' });
  expect(given).toMatchObject({ aborted: true });
});

test('a call that is cancelled, before or meanwhile, ends in `cancelled`', async () => {
  const cancel = new AbortController();
  const call = withDeadline({ timeoutMs: 60_000, what: 'list web', signal: cancel.signal }, never);
  cancel.abort();
  await expect(call).rejects.toMatchObject({ code: 'cancelled', disposition: 'cancelled' });
  const late = withDeadline({ timeoutMs: 60_000, what: 'list web', signal: cancel.signal }, async () => 1);
  await expect(late).rejects.toMatchObject({ code: 'cancelled' });
});

test('an answer in time is passed on, and what it returned is not given up', async () => {
  const { signal } = await withDeadline({ timeoutMs: 60_000, what: 'x' }, async (own) => ({ signal: own }));
  expect(signal.aborted).toBe(false);
});

test('a pause ends with its signal', async () => {
  const cancel = new AbortController();
  const waiting = pause(60_000, cancel.signal);
  cancel.abort();
  await waiting;
  await pause(60_000, cancel.signal);
});

test('credentials come from Docker’s own config, for their registry alone', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-auth-'));
  const encode = (text: string) => Buffer.from(text).toString('base64');
  const write = (text: string) => writeFileSync(join(folder, 'config.json'), text);
  expect(await readRegistryAuth('r.example.com/web', folder)).toBeNull();
  const auths = {
    'r.example.com': { auth: encode('ci:a:b') },
    'https://index.docker.io/v1/': { auth: encode('hub:pw') },
    't.example.com': { identitytoken: 'token' },
    'e.example.com': {},
  };
  write(JSON.stringify({ auths }));
  const read = (image: string) => readRegistryAuth(image, folder);
  expect(await read('r.example.com/web')).toEqual({
    serveraddress: 'r.example.com',
    username: 'ci',
    password: 'a:b',
  });
  expect(await read('nginx')).toMatchObject({ username: 'hub', password: 'pw' });
  expect(await read('t.example.com/web')).toEqual({ serveraddress: 't.example.com', identitytoken: 'token' });
  expect(await read('e.example.com/web')).toBeNull();
  expect(await read('other.example.com/web')).toBeNull();
  write('{"auths": {"r.example.com": {"auth": "canary');
  const failure: unknown = await read('r.example.com/web').catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'image-pull', pull: 'authentication' });
  expect(String(failure)).not.toContain('canary');
  rmSync(folder, { recursive: true });
});
