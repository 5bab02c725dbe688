// What an inspected image is called: its digest in a repository, whether it belongs to one, whether others name it. Pure.
import type Docker from 'dockerode';
import { isDigest, isSameRepository, repositoryOf } from './repository.ts';
import type { ResolvedImage } from './runtime.ts';

/** The registry's digest of this repository's image; null for one that was never pushed or pulled. */
export function digestOf({ RepoDigests }: Docker.ImageInspectInfo, image: string): string | null {
  const match = (RepoDigests ?? []).find((name) => isSameRepository(repositoryOf(name), image));
  return match === undefined ? null : match.slice(match.indexOf('@') + 1);
}

export function hasDigest({ RepoDigests }: Docker.ImageInspectInfo, image: string, digest: string): boolean {
  return (RepoDigests ?? []).some(
    (name) => name.endsWith(`@${digest}`) && isSameRepository(repositoryOf(name), image),
  );
}

/** A local image by id counts only when it carries a name of the spec's repository. */
export function belongsTo({ RepoTags, RepoDigests }: Docker.ImageInspectInfo, image: string): boolean {
  return [...(RepoTags ?? []), ...(RepoDigests ?? [])].some((name) =>
    isSameRepository(repositoryOf(name), image),
  );
}

/** Names of other repositories, or a local tag that is its builder's. */
export function isShared(
  { RepoTags, RepoDigests }: Docker.ImageInspectInfo,
  image: string,
  reference: string,
): boolean {
  if (isDigest(reference)) return (RepoTags ?? []).length > 0;
  return [...(RepoTags ?? []), ...(RepoDigests ?? [])].some(
    (name) => !isSameRepository(repositoryOf(name), image),
  );
}

/** Podman's ids come without the algorithm. */
export function localImage({ Id }: Docker.ImageInspectInfo): ResolvedImage {
  const id = Id.startsWith('sha256:') ? Id : `sha256:${Id}`;
  return { digest: id, reference: id };
}
