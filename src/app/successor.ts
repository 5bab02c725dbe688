// A proxy's successor: the same command line, from the program's files as they are on disk now. It inherits the listening
// sockets, so that the port never closes; see `predecessor` for its side.
//
// INVARIANTS
// - This process serves until the successor says that it does.
// - A successor that ends, or says nothing in time, is killed, and changes nothing.
import { type ChildProcess, spawn } from 'node:child_process';
import type { Server } from 'node:net';
import { isFromSuccessor, type SocketName, SUCCEEDS } from './predecessor.ts';

const READY_MS = 30_000;

export interface SuccessionOptions {
  /** Undefined where this process listens on none of that name: then no successor asks for one. */
  readonly sockets: Readonly<Record<SocketName, Server | undefined>>;
  /** Of this process. */
  readonly generation: number;
  /** The successor is given up when it aborts. */
  readonly signal: AbortSignal;
}

/** Resolves with the successor's pid when it serves; rejects with the reason why there is none. */
export async function raiseSuccessor(options: SuccessionOptions): Promise<number> {
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, [SUCCEEDS]: `${process.pid}:${options.generation + 1}` },
  });
  try {
    await untilServing(child, options);
    // It lives on its own, and this process may end before it.
    child.disconnect();
    child.unref();
    return child.pid ?? 0;
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}

function untilServing(child: ChildProcess, { sockets, signal }: SuccessionOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) => (): void => reject(new Error(why));
    const timer = setTimeout(fail(`it did not serve within ${READY_MS / 1_000} s`), READY_MS);
    signal.addEventListener('abort', fail('this proxy was told to stop'), { once: true });
    child.once('error', reject);
    child.once('exit', (code, killer) => fail(`it ended with ${killer ?? code}`)());
    child.once('exit', () => clearTimeout(timer));
    child.on('message', (message) => {
      if (!isFromSuccessor(message)) return;
      if (message.kind === 'wants') child.send({ kind: 'socket' }, sockets[message.socket]);
      else {
        clearTimeout(timer);
        resolve();
      }
    });
  });
}

/** The requests to hand over: one at a time, and of those that come meanwhile none is kept. */
export class HandOverRequests {
  #wake: () => void = () => undefined;
  #isAsked = false;

  /** From now on: until it serves, what is asked waits. */
  constructor(host: Pick<NodeJS.Process, 'on'>) {
    host.on('SIGUSR2', () => {
      this.#isAsked = true;
      this.#wake();
    });
  }

  /** False when the signal has aborted instead. */
  async next(signal: AbortSignal): Promise<boolean> {
    if (!this.#isAsked && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    return !signal.aborted;
  }

  forget(): void {
    this.#isAsked = false;
  }
}
