// A command inside a container that does not end in time: it is the container's fault when the engine says that it still
// runs, and nobody's when the engine itself says nothing.
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { EngineClient } from '../../deploy/docker-client.ts';
import { EngineExec } from '../../deploy/docker-exec.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

type Step = 'create' | 'start' | 'inspect';

/** An engine that runs one command; it never answers the steps in `silent`. */
async function openEngine(silent: ReadonlySet<Step>, command: { running: boolean; exitCode: number | null }) {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-exec-'));
  const path = join(folder, 'docker.sock');
  const answers: Readonly<Record<Step, (reply: ServerResponse) => void>> = {
    create: (reply) => answer(reply, 201, { Id: 'command' }),
    start: (reply) => {
      reply.writeHead(200, { 'content-type': 'application/vnd.docker.raw-stream' }).flushHeaders();
      if (!command.running) reply.end();
    },
    inspect: (reply) => answer(reply, 200, { Running: command.running, ExitCode: command.exitCode }),
  };
  const server = createServer((asked, reply) => {
    asked.resume();
    const step = nameStep(asked);
    if (step === null) answer(reply, 200, { ApiVersion: '1.41', Version: '20.10' });
    else if (!silent.has(step)) answers[step](reply);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const client = new EngineClient({ endpoint: { kind: 'unix', path } });
  closing.push(async () => {
    client.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true, force: true });
  });
  return new EngineExec(client);
}

function answer(reply: ServerResponse, status: number, body: object): void {
  reply.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function nameStep({ url = '' }: IncomingMessage): Step | null {
  if (/\/containers\/[^/]+\/exec$/.test(url)) return 'create';
  if (/\/exec\/[^/]+\/start$/.test(url)) return 'start';
  return /\/exec\/[^/]+\/json$/.test(url) ? 'inspect' : null;
}

const run = (exec: EngineExec, timeoutMs: number) => exec.run('container', ['check'], timeoutMs, () => true);

const hanging = { running: true, exitCode: null };

test.each<[string, readonly Step[]]>([
  ['creates it', ['create']],
  ['starts it', ['start', 'inspect']],
  ['says how it stands', ['inspect']],
])('an engine that never %s is thrown: nothing was learnt of the container', async (_, silent) => {
  const exec = await openEngine(new Set(silent), hanging);
  await expect(run(exec, 200)).rejects.toMatchObject({ code: 'timeout', reason: 'engine-unavailable' });
});

test('a command that has ended by then, unheard, says nothing either', async () => {
  const exec = await openEngine(new Set<Step>(['start']), { running: false, exitCode: 0 });
  await expect(run(exec, 200)).rejects.toMatchObject({ code: 'timeout' });
});

test('a command that the engine knows to be running has failed', async () => {
  const exec = await openEngine(new Set(), hanging);
  expect(await run(exec, 2_000)).toMatchObject({ ok: false, detail: 'check: no end within 2000 ms' });
  expect(await run(exec, 2_000)).toMatchObject({ ok: false, detail: 'check: the former run has not ended' });
});

test.each([
  [0, true],
  [4, false],
])('a command that ends with %i in time is a result: %s', async (exitCode, ok) => {
  const exec = await openEngine(new Set(), { running: false, exitCode });
  expect(await run(exec, 20_000)).toMatchObject({ ok });
});
