// Runs one command with an engine up, and stops the engine afterwards if it was started for it. Ends as the command
// ended. Prints nothing of its own unless it starts an engine or fails.
//
//   node scripts/with-engine.ts COMMAND [ARGUMENT…]
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensureEngine } from './engine.ts';
import { hasNetwork, isForsaken, removeNetwork } from './network.ts';

const ANSWER_MS = 5_000;

async function main(command: string, args: readonly string[]): Promise<number> {
  const engine = await ensureEngine();
  if (engine.started) process.stderr.write('bootstrap: started a Docker engine for this run\n');
  const mayStay = !engine.started || (await ask(hasNetwork(), true));
  try {
    return await runCommand(command, args);
  } finally {
    const isLeft = !mayStay && (await ask(isForsaken(), false));
    await engine.stop();
    if (isLeft) await removeAfterRestart().catch(complain);
  }
}

/** An engine that has no answer does not hold up its own end. */
async function ask(question: Promise<boolean>, otherwise: boolean): Promise<boolean> {
  const patience = sleep(ANSWER_MS, otherwise, { ref: false });
  return await Promise.race([question.catch(() => otherwise), patience]);
}

/** An engine that has lost one end of a network lets go of it only so. */
async function removeAfterRestart(): Promise<void> {
  const engine = await ensureEngine();
  try {
    if (engine.started) await removeNetwork();
  } finally {
    await engine.stop();
  }
}

function complain(error: unknown): void {
  process.stderr.write(`bootstrap: ${error instanceof Error ? error.message : String(error)}\n`);
}

/** A terminal sends Ctrl-C to the command itself; any other signal is passed on. */
function runCommand(command: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'inherit' });
    for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT'] as const) {
      process.on(signal, () => {
        if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
      });
    }
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      resolve(code ?? 128 + (signal === null ? 1 : constants.signals[signal])),
    );
  });
}

const [command, ...args] = process.argv.slice(2);
if (command === undefined) {
  process.stderr.write('usage: node scripts/with-engine.ts COMMAND [ARGUMENT…]\n');
  process.exit(2);
}
try {
  process.exit(await main(command, args));
} catch (error) {
  complain(error);
  process.exit(1);
}
