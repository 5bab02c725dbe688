import { EventEmitter } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { findPredecessor, SUCCEEDS } from '../../../src/app/predecessor.ts';

/** A process with a channel to its parent, 41. */
class Host extends EventEmitter {
  readonly ppid = 41;
  readonly env: Record<string, string>;
  readonly sent: unknown[] = [];
  connected: boolean;

  constructor(value: string, connected = true) {
    super();
    this.env = { [SUCCEEDS]: value };
    this.connected = connected;
  }

  send(message: unknown): boolean {
    return this.sent.push(message) > 0;
  }

  disconnect(): void {
    this.connected = false;
    this.emit('disconnect');
  }
}

const find = (host: Host) => findPredecessor(host as unknown as NodeJS.Process);

describe('a predecessor', () => {
  it.each([
    ['that is not the parent', new Host('40:2')],
    ['without a channel', new Host('41:2', false)],
    ['that nobody named', new Host('')],
  ])('is none: one %s', (_what, host) => {
    expect(find(host)).toBeNull();
  });

  it('is told apart by the number of its successor, which no further process inherits', () => {
    const host = new Host('41:7');
    expect(find(host)?.generation).toBe(7);
    expect(host.env).toEqual({});
  });

  it('gives a socket for the asking, and hears who serves', async () => {
    const host = new Host('41:2');
    const predecessor = find(host);
    const socket = createServer();
    const inherited = predecessor?.inherit('http');
    host.emit('message', { kind: 'socket' }, socket);
    expect(await inherited).toBe(socket);
    predecessor?.tellServing();
    expect(host.sent).toEqual([{ kind: 'wants', socket: 'http' }, { kind: 'serving' }]);
  });

  it('that ends before it has given a socket leaves no successor', async () => {
    const host = new Host('41:2');
    const inherited = find(host)?.inherit('http');
    host.disconnect();
    await expect(inherited).rejects.toThrow('has ended');
  });
});
