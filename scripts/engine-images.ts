// The three things done to images through the engine's API: import a root file system, build a Dockerfile with the
// classic builder, remove. Knows nothing of what is in them.
import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import Docker from 'dockerode';

const TIMEOUT_MS = 180_000;

/** The value of one label of an image, '' when it has none, null when there is no such image. */
export async function readImageLabel(
  docker: Docker,
  reference: string,
  label: string,
): Promise<string | null> {
  try {
    const image = await docker.getImage(reference).inspect();
    return image.Config?.Labels?.[label] ?? '';
  } catch (error) {
    if (isStatus(error, 404)) return null;
    throw error;
  }
}

export async function hasImage(docker: Docker, reference: string): Promise<boolean> {
  return (await readImageLabel(docker, reference, '')) !== null;
}

/** Imports a folder as the image `repository:tag`; `changes` are Dockerfile instructions. */
export async function importFolder(
  docker: Docker,
  folder: string,
  image: { readonly repository: string; readonly tag: string; readonly changes: readonly string[] },
): Promise<void> {
  const { repository: repo, tag, changes } = image;
  await withTar(folder, async (tar) => {
    await finish(docker, await docker.importImage(tar, { repo, tag, changes: [...changes] }));
  });
}

/**
 * Builds the folder's Dockerfile as `reference`; an error carries the failed step's words. `label` is one that the
 * Dockerfile sets first, and no other does: by it, what a failed build leaves is found and removed.
 */
export async function buildFolder(
  docker: Docker,
  folder: string,
  { reference, label }: { readonly reference: string; readonly label: string },
): Promise<void> {
  try {
    await withTar(folder, async (tar) => {
      await finish(
        docker,
        await docker.buildImage(tar, { t: reference, rm: true, forcerm: true, version: '1' }),
      );
    });
  } catch (error) {
    await docker.pruneImages({ filters: { dangling: ['true'], label: [label] } });
    throw error;
  }
}

/** Removes images by reference; one that is gone is success, one that is in use is an error. */
export async function removeImages(
  references: readonly string[],
  docker: Docker = new Docker(),
): Promise<void> {
  for (const reference of references) {
    try {
      await docker.getImage(reference).remove();
    } catch (error) {
      if (!isStatus(error, 404)) throw error;
    }
  }
}

/** References of all images whose repository is the given one, or lies below it. */
export async function listImages(repository: string, docker: Docker = new Docker()): Promise<string[]> {
  const images = await docker.listImages();
  const references = images.flatMap((image) => image.RepoTags ?? []);
  return references
    .filter((name) => name.startsWith(`${repository}:`) || name.startsWith(`${repository}/`))
    .sort();
}

/** The engine tells an error inside a stream that began as success. */
function finish(docker: Docker, stream: NodeJS.ReadableStream): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the engine does not finish the image')), TIMEOUT_MS);
    docker.modem.followProgress(
      stream,
      (error: Error | null, lines: readonly { readonly error?: string }[]) => {
        clearTimeout(timer);
        const failure = error?.message ?? lines.find((line) => line.error !== undefined)?.error;
        if (failure === undefined) resolve();
        else reject(new Error(`the engine refused the image: ${failure}`));
      },
    );
  });
}

async function withTar(folder: string, use: (tar: Readable) => Promise<void>): Promise<void> {
  const tar = spawn('tar', ['-C', folder, '--numeric-owner', '-c', '.'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolve, reject) => {
    tar.once('error', reject);
    tar.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`tar ended with ${code}`))));
  });
  try {
    await Promise.all([use(tar.stdout), ended]);
  } finally {
    tar.kill();
  }
}

function isStatus(error: unknown, status: number): boolean {
  return error instanceof Error && 'statusCode' in error && error.statusCode === status;
}
