// The policy over what a spec asks for, with symlinks followed: once before anything is stopped for it, again at each start.
import { lstat, realpath } from 'node:fs/promises';
import type { ContainerSettings } from '../strategies/model.ts';
import { checkPolicy, type PolicyOptions, type Refusal } from './policy.ts';

export async function reviewContainer(
  image: string,
  container: ContainerSettings,
  options: PolicyOptions,
): Promise<readonly Refusal[]> {
  const sources = container.volumes.map(({ source }) => source).filter((source) => source.startsWith('/'));
  const pairs = await Promise.all(
    sources.map(async (source) => [source, await resolvePath(source)] as const),
  );
  const blind = pairs.flatMap(([source, path]) =>
    path === null ? [{ field: 'volumes', reason: `source ${source} cannot be followed` }] : [],
  );
  const realPaths = Object.fromEntries(pairs.map(([source, path]) => [source, path ?? source]));
  const allowMounts = await followAll(options.allowMounts);
  return [...blind, ...checkPolicy({ image, container, realPaths }, { ...options, allowMounts })];
}

/** What is opened is opened by each of its names: `/var/run` is `/run` on most machines. */
async function followAll(paths: readonly string[]): Promise<readonly string[]> {
  const followed = await Promise.all(paths.map(async (path) => [path, (await resolvePath(path)) ?? path]));
  return [...new Set(followed.flat())];
}

/** A path that is not on this machine is judged as written; null: it is, and leads nowhere that we could see. */
async function resolvePath(source: string): Promise<string | null> {
  return await realpath(source).catch(async () => {
    const isThere = await lstat(source).then(
      () => true,
      () => false,
    );
    return isThere ? null : source;
  });
}
