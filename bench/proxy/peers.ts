// Ours and the peers it is measured against, each of them started on a port of its own before a backend.
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { findFreePorts } from '../../test/support/names.ts';
import { configureCaddy, configureHaproxy, configureNginx, configureSlipway } from './configs.ts';
import { type Command, type Place, type Program, startProgram } from './place.ts';
import { holdToShare } from './share.ts';
import { listTree } from './usage.ts';

const ROOT = resolve(import.meta.dirname, '../..');
/** Ours as it is shipped: built. */
export const MAIN = join(ROOT, 'dist/src/main.js');

/** What is measured beside others. */
export interface Contender {
  readonly name: string;
  start(place: Place, ways: { readonly backend: number; readonly cores: string }): Promise<Running>;
}

export interface Running extends Program {
  readonly port: number;
  /** Where its configuration is. */
  readonly folder: string;
}

/** Ours: its table in its folder, watched. */
export const TABLE = 'table.json';

export const PEER_NAMES = ['ours', 'nginx', 'haproxy', 'caddy', 'http-proxy'] as const;
export type PeerName = (typeof PEER_NAMES)[number];

export function choosePeer(name: PeerName): Contender {
  switch (name) {
    case 'ours':
      return chooseOurs(name, configureSlipway);
    case 'nginx':
      return configured(name, 'nginx.conf', configureNginx, (path) => ['nginx', '-e', 'stderr', '-c', path]);
    case 'haproxy':
      return configured(name, 'haproxy.cfg', configureHaproxy, (path) => ['haproxy', '-db', '-f', path]);
    case 'caddy':
      return configured(name, 'Caddyfile', configureCaddy, (path) => [
        ...['caddy', 'run', '--adapter', 'caddyfile', '--config', path],
      ]);
    case 'http-proxy':
      return configured(
        name,
        'none',
        () => '',
        (_path, { port, backend }) => [
          ...[process.execPath, join(import.meta.dirname, 'http-proxy-server.mjs')],
          ...[String(port), String(backend)],
        ],
      );
  }
}

export interface Workers {
  readonly workers: number;
  /** Of a core, for each; null: as much as they get. */
  readonly sharePercent: number | null;
}

/** `configure` writes the table before that backend. */
export function chooseOurs(
  name: string,
  configure: (backend: number) => string,
  { workers, sharePercent }: Workers = { workers: 1, sharePercent: null },
): Contender {
  return {
    name,
    start: async (place, { backend, cores }) => {
      const [port = 0, admin = 0] = await findFreePorts(2);
      const folder = await makeFolder(place, name);
      const table = join(folder, TABLE);
      await writeFile(table, configure(backend));
      const addresses = ['--http', `127.0.0.1:${port}`, '--admin', `127.0.0.1:${admin}`];
      const files = ['--table', table, '--data-dir', folder];
      const others = ['--workers', String(workers), '--drain', '1s', '--log-level', 'warn'];
      const command = [
        process.execPath,
        '--max-semi-space-size=8',
        MAIN,
        'proxy',
        ...addresses,
        ...files,
        ...others,
      ];
      const running = await startRunning(place, folder, { name, command, cores, port });
      return sharePercent === null ? running : share(running, workers, sharePercent);
    },
  };
}

/** Of one worker the process is that worker, of several its children are. */
function share(running: Running, workers: number, percent: number): Running {
  const [root = running.pid, ...children] = listTree(running.pid);
  const letGo = holdToShare(workers === 1 ? [root] : children, percent);
  const stop = async (): Promise<void> => {
    await running.stop();
    letGo();
  };
  return { ...running, stop };
}

interface Ways {
  readonly folder: string;
  readonly port: number;
  readonly backend: number;
}

function configured(
  name: string,
  fileName: string,
  configure: (ways: Ways) => string,
  compose: (path: string, ways: Ways) => readonly string[],
): Contender {
  return {
    name,
    start: async (place, { backend, cores }) => {
      const [port = 0] = await findFreePorts(1);
      const folder = await makeFolder(place, name);
      const path = join(folder, fileName);
      await writeFile(path, configure({ folder, port, backend }));
      // Caddy: as many threads as the others, and nothing into anybody's home.
      const environment = { GOMAXPROCS: '1', HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
      const command = compose(path, { folder, port, backend });
      return startRunning(place, folder, { name, command, environment, cores, port });
    },
  };
}

async function startRunning(place: Place, folder: string, command: Command): Promise<Running> {
  const program = await startProgram(place, command);
  return { ...program, port: command.port, folder };
}

async function makeFolder(place: Place, name: string): Promise<string> {
  const folder = join(place.folder, name.replaceAll(/[^a-z0-9]+/g, '-'));
  await mkdir(folder, { recursive: true });
  return folder;
}
