// A relay in front of the engine's socket that a test can cut: all connections at once, a reply after so many bytes, or
// every new connection. What stands behind it stays whole.
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface EngineTap {
  readonly path: string;
  /** Connections made through it so far. */
  readonly connections: () => number;
  cutAll(): void;
  /** From now on every new connection is dropped at once, until `accept`. */
  refuse(): void;
  accept(): void;
  /** When a reply whose request matches has passed `bytes`, nothing more of it comes; `end`: and the socket closes. */
  truncate(request: RegExp, bytes: number, how: 'stall' | 'end'): void;
  close(): Promise<void>;
}

interface Truncation {
  readonly request: RegExp;
  readonly bytes: number;
  readonly how: 'stall' | 'end';
}

export async function openEngineTap(upstream = '/var/run/docker.sock'): Promise<EngineTap> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-tap-'));
  const path = join(folder, 'docker.sock');
  const open = new Set<Socket>();
  let isRefusing = false;
  let count = 0;
  let truncation: Truncation | null = null;
  const server = createServer((client) => {
    count += 1;
    client.on('error', () => client.destroy());
    if (isRefusing) {
      client.destroy();
      return;
    }
    const engine = connect(upstream);
    open.add(client);
    client.once('close', () => {
      open.delete(client);
      engine.destroy();
    });
    engine.on('error', () => client.destroy());
    const isStalled = relay(client, engine, () => truncation);
    engine.once('close', () => {
      if (!isStalled()) client.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const cutAll = () => {
    for (const socket of open) socket.destroy();
  };
  return {
    path,
    connections: () => count,
    cutAll,
    refuse: () => {
      isRefusing = true;
      cutAll();
    },
    accept: () => {
      isRefusing = false;
    },
    truncate: (request, bytes, how) => {
      truncation = { request, bytes, how };
    },
    close: async () => {
      cutAll();
      await new Promise((resolve) => server.close(resolve));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Tells whether it has stalled: the client then must not learn that the engine is done. */
function relay(client: Socket, engine: Socket, truncation: () => Truncation | null): () => boolean {
  let left = Number.POSITIVE_INFINITY;
  let how: Truncation['how'] = 'end';
  client.on('data', (chunk) => {
    const wanted = truncation();
    if (wanted?.request.test(chunk.toString('latin1')) === true) {
      left = wanted.bytes;
      how = wanted.how;
    }
    engine.write(chunk);
  });
  engine.on('data', (chunk) => {
    if (left <= 0) return;
    client.write(chunk.subarray(0, left));
    left -= chunk.length;
    if (left <= 0 && how === 'end') client.end();
  });
  return () => left <= 0 && how === 'stall';
}
