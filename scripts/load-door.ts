// One connection after the other to one port, each closed at once: whether it is ever shut.
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Without it more would come in than any server takes. */
const PAUSE_MS = 1;

export interface DoorReport {
  readonly connections: number;
  /** Reasons of those that were refused. */
  readonly refused: readonly string[];
}

/** Returns what ends the loop and says what it saw. */
export function knockOn(port: number): () => Promise<DoorReport> {
  const refused: string[] = [];
  let connections = 0;
  let isOver = false;
  const knock = (): Promise<void> =>
    new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => socket.destroy());
      socket.once('error', (error) => refused.push(error.message));
      socket.once('close', () => resolve());
    });
  const knocking = (async () => {
    for (; !isOver; connections += 1) {
      await knock();
      await sleep(PAUSE_MS);
    }
  })();
  return async () => {
    isOver = true;
    await knocking;
    return { connections, refused };
  };
}
