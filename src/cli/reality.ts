// The real outside of a command: this process's streams, signals and environment, etcd, the engine. What takes
// long to load (etcd, engine, daemon) is loaded only by the commands that use it.
import { open, readFile, rename, rm } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { parseEndpoint } from '../../deploy/endpoint.ts';
import { readEtcdOptions } from '../config-files.ts';
import type { Outside, Sink } from './outside.ts';

/** As a shell tells it of a program that SIGPIPE ended. */
export const PIPE_CLOSED = 141;

export function openOutside(host: NodeJS.Process): Outside {
  quietPipes(host);
  return {
    env: host.env,
    out: openSink(host.stdout),
    err: openSink(host.stderr),
    signal: listenForSignals(host),
    now: () => Date.now(),
    readText: (path) => (path === '-' ? text(host.stdin) : readFile(path, 'utf8')),
    writeText: writeWhole,
    openStore: async (config) => {
      const { openEtcd } = await import('../store/etcd.ts');
      return openEtcd(await readEtcdOptions(config));
    },
    openRuntime: async (address) => {
      const { DockerRuntime } = await import('../../deploy/docker.ts');
      return new DockerRuntime({ endpoint: parseEndpoint(address, host.env) });
    },
    runDaemon: async (config, signal) => {
      const { startDaemon } = await import('../app/serve.ts');
      await startDaemon(config, signal);
    },
    runProxy: async (config, signal) => {
      const { startProxyProcess } = await import('../app/proxy.ts');
      await startProxyProcess(config, signal);
    },
  };
}

/** On the disk before it takes the name, so that a full disk or a crash leaves what was there. */
async function writeWhole(path: string, content: string): Promise<void> {
  const fresh = `${path}.${process.pid}`;
  try {
    const file = await open(fresh, 'wx', 0o600);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(fresh, path);
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  }
}

function openSink(stream: NodeJS.WriteStream): Sink {
  const isTerminal = stream.isTTY === true;
  return {
    isTerminal,
    terminal: isTerminal ? stream : null,
    columns: stream.columns ?? 100,
    write: (chunk) => {
      stream.write(chunk);
    },
  };
}

/** A reader that has seen enough ends the program without a word, as it ends any other. */
function quietPipes(host: NodeJS.Process): void {
  host.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') host.exit(PIPE_CLOSED);
    throw error;
  });
  host.stderr.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

/** The first signal asks; the second one ends the process at once, by Node's default. */
function listenForSignals(host: NodeJS.Process): AbortSignal {
  const asked = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) host.once(name, () => asked.abort());
  return asked.signal;
}
