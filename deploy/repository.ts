// Names of images: repository, tag, digest, registry. Pure. A version can only ever be a tag or a digest of the spec's
// own repository, so a writer of the version key cannot name another image.

const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

const REPOSITORY = /^[a-zA-Z0-9][a-zA-Z0-9._-]*(:[0-9]+)?(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*$/;

/** A repository without tag. Nothing else may reach a path of the engine's API. */
export function isRepository(image: string): boolean {
  return image.length <= 255 && REPOSITORY.test(image) && !/:[0-9]+$/.test(image);
}

/** What a container of this image may be created from: `repo@sha256:…`, or a local image's id. */
export function isReferenceOf(image: string, reference: string): boolean {
  return (
    isRepository(image) &&
    (DIGEST.test(reference) ||
      (reference.startsWith(`${image}@`) && isDigest(reference.slice(image.length + 1))))
  );
}

export function isDigest(version: string): boolean {
  return DIGEST.test(version);
}

export function isVersion(version: string): boolean {
  return TAG.test(version) || DIGEST.test(version);
}

/** `repo:v1`, or `repo@sha256:…`: the key under which an image's state is known, and what the engine is asked for. */
export function imageKey(image: string, version: string): string {
  return isDigest(version) ? `${image}@${version}` : `${image}:${version}`;
}

/** `docker.io` for `nginx`, `library/nginx`, `someone/web`; else what stands before the first slash. */
export function registryOf(image: string): string {
  const [first = '', ...rest] = image.split('/');
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost');
  if (!isHost) return 'docker.io';
  return first === 'index.docker.io' ? 'docker.io' : first;
}

/** Docker writes `nginx` where podman writes `docker.io/library/nginx`; both mean one repository. */
export function isSameRepository(a: string, b: string): boolean {
  return fullName(a) === fullName(b);
}

function fullName(image: string): string {
  const registry = registryOf(image);
  const path = image.replace(/^(index\.)?docker\.io\//, '');
  if (registry !== 'docker.io') return image;
  return `docker.io/${path.includes('/') ? path : `library/${path}`}`;
}

/** `repo:tag` or `repo@digest` → `repo`. A port's colon is no tag's. */
export function repositoryOf(reference: string): string {
  return reference.replace(/@sha256:[0-9a-f]+$/, '').replace(/:[^:/]+$/, '');
}
