// What stands behind the proxies: nginx with files, and a program of ours for uploads and WebSockets.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Releases } from '../../src/app/releases.ts';
import { findFreePorts } from '../../test/support/names.ts';
import { configureFiles } from './configs.ts';
import { type Place, startProgram } from './place.ts';

export const FILE_BYTES = {
  small: 100,
  chunked: 16_384,
  '16k': 16_384,
  '1m': 1_048_576,
  '4m': 4_194_304,
} as const;

export type BackendName = 'files' | 'echo';
/** Their ports. */
export type Backends = Readonly<Record<BackendName, number>>;

/** They end with `releases`. */
export async function startBackends(place: Place, cores: string, releases: Releases): Promise<Backends> {
  const [files = 0, echo = 0] = await findFreePorts(2);
  const folder = join(place.folder, 'files');
  await mkdir(folder);
  for (const [name, bytes] of Object.entries(FILE_BYTES))
    await writeFile(join(folder, name), 'x'.repeat(bytes));
  const config = join(folder, 'nginx.conf');
  await writeFile(config, configureFiles({ folder, port: files }));
  const nginx = ['nginx', '-e', 'stderr', '-c', config];
  const first = await startProgram(place, { name: 'files', command: nginx, cores, port: files });
  releases.add('nginx with files', () => first.stop());
  const node = [process.execPath, join(import.meta.dirname, 'echo-server.ts'), String(echo)];
  const second = await startProgram(place, { name: 'echo', command: node, cores, port: echo });
  releases.add('echo server', () => second.stop());
  return { files, echo };
}
