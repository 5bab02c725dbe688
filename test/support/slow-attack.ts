// Clients that are as slow as they may be: what slowhttptest is told for each kind of them, and its run.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

export const CONNECTIONS = 500;
const PER_SECOND = 250;

/** Flags of slowhttptest. */
export const SLOW = {
  heads: ['-H', '-i', '1'],
  bodies: ['-B', '-i', '1', '-s', '8192'],
  readers: ['-X', '-w', '512', '-y', '1024', '-n', '1', '-z', '32'],
} as const;

export interface Attack {
  readonly kind: keyof typeof SLOW;
  readonly url: string;
  readonly seconds: number;
  /** Of `nice`: they would be on other machines, and give way here. */
  readonly niceness: number;
  readonly signal?: AbortSignal;
}

/** Resolves when they have done their worst; rejects when the tool failed. */
export async function attack({ kind, url, seconds, niceness, signal }: Attack): Promise<void> {
  const much = ['-c', `${CONNECTIONS}`, '-r', `${PER_SECOND}`, '-l', `${seconds}`, '-p', '5'];
  const command = ['-n', `${niceness}`, 'slowhttptest', ...SLOW[kind], ...much, '-u', url];
  const [code] = await once(spawn('nice', command, { stdio: 'ignore', signal }), 'exit');
  if (code !== 0) throw new Error(`slowhttptest ended with ${code}`);
}
