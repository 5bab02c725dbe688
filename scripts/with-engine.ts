// Runs one command with an engine up, and stops the engine afterwards if it was started for it. Ends as the command
// ended. Prints nothing of its own unless it starts an engine or fails.
//
//   node scripts/with-engine.ts COMMAND [ARGUMENT…]
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { ensureEngine } from './engine.ts';
import { hasNetwork, removeNetwork } from './network.ts';

async function main(command: string, args: readonly string[]): Promise<number> {
  const engine = await ensureEngine();
  if (engine.started) process.stderr.write('bootstrap: started a Docker engine for this run\n');
  const mayStay = !engine.started || (await hasNetwork());
  try {
    return await runCommand(command, args);
  } finally {
    const isLeft = !mayStay && (await hasNetwork());
    await engine.stop();
    if (isLeft) await removeAfterRestart();
  }
}

/** An engine that has lost one end of a network lets go of it only so. */
async function removeAfterRestart(): Promise<void> {
  const engine = await ensureEngine();
  try {
    await removeNetwork();
  } finally {
    await engine.stop();
  }
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
  process.stderr.write(`bootstrap: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
