// Images on the engine: a tag is resolved once to a digest, pulled when it must be, and removed when no revision wants
// it any more. A pull counts only when a new inspect finds the digest that the registry answered with.
import type Docker from 'dockerode';
import { ask } from './docker-ask.ts';
import type { EngineClient } from './docker-client.ts';
import { belongsTo, digestOf, hasDigest, isShared, localImage } from './docker-image-names.ts';
import { FreeSpace, type SpaceOptions } from './docker-space.ts';
import { describeEngineError, statusOf } from './engine-words.ts';
import { isMissing, RuntimeFailure } from './errors.ts';
import { readJsonLines } from './line-reader.ts';
import { PullProgress } from './pull-progress.ts';
import { type Pulled, toPullFailure } from './pull-words.ts';
import { readRegistryAuth } from './registry-auth.ts';
import { imageKey, isDigest, isRepository, isVersion, registryOf } from './repository.ts';
import type { Permit, PullRequest, ResolvedImage } from './runtime.ts';

export interface ImageOptions extends SpaceOptions {
  readonly registries: readonly string[] | null;
  /** Where Docker's config.json is. */
  readonly configDirectory: string;
  /** A pull without a sign of life for so long is given up. */
  readonly idleTimeoutMs: number;
}

const PULL_HEAD_TIMEOUT_MS = 120_000;

export class EngineImages {
  readonly #client: EngineClient;
  readonly #options: ImageOptions;
  readonly #space: FreeSpace;

  constructor(client: EngineClient, options: ImageOptions) {
    this.#client = client;
    this.#options = options;
    this.#space = new FreeSpace(client, options);
  }

  async resolve(request: PullRequest, permit: Permit): Promise<ResolvedImage> {
    const { image, version, policy } = request;
    const key = imageKey(image, version);
    this.#refuseForbidden(image, version);
    const mayMove = policy === 'always' || (version === 'latest' && policy !== 'never');
    if (!mayMove || isDigest(version)) {
      const local = await this.#findLocal(image, version);
      if (local !== null) return local;
    }
    if (policy === 'never') {
      throw pullFailure(
        'missing',
        `${key} is not on the engine, and pull is never; load it or allow pulling`,
      );
    }
    await this.#space.require(key);
    return await this.#pull(request, key, permit);
  }

  /** Brings back the image of a reference that has gone from the engine; a local image cannot be brought back. */
  async restore(image: string, reference: string, permit: Permit): Promise<void> {
    if (isDigest(reference)) {
      throw pullFailure(
        'missing',
        `image ${reference} of ${image} has gone from the engine and has no registry`,
      );
    }
    const version = reference.slice(image.length + 1);
    const signal = AbortSignal.timeout(10 * 60_000);
    await this.resolve({ image, version, policy: 'missing', onProgress: () => undefined, signal }, permit);
  }

  #refuseForbidden(image: string, version: string): void {
    if (!isRepository(image)) throw pullFailure('refused', `${image} is not the name of a repository`);
    if (!isVersion(version))
      throw pullFailure('refused', `${version.slice(0, 80)} is neither a tag nor a sha256 digest`);
    const registry = registryOf(image);
    if (this.#options.registries?.includes(registry) === false) {
      throw pullFailure('refused', `registry ${registry} is not on the list of allowed registries`);
    }
  }

  async #findLocal(image: string, version: string): Promise<ResolvedImage | null> {
    const named = await this.#inspect(imageKey(image, version));
    if (named !== null) {
      const pinned = isDigest(version) ? version : digestOf(named, image);
      return pinned === null ? localImage(named) : { digest: pinned, reference: `${image}@${pinned}` };
    }
    if (!isDigest(version)) return null;
    const byId = await this.#inspect(version);
    return byId !== null && belongsTo(byId, image) ? localImage(byId) : null;
  }

  async #pull(request: PullRequest, key: string, permit: Permit): Promise<ResolvedImage> {
    const { image, version } = request;
    const digest = await this.#readPull(request, key, permit);
    const pulled = await this.#inspect(digest === null ? key : `${image}@${digest}`);
    const found = pulled === null ? null : (digest ?? digestOf(pulled, image));
    if (pulled === null || found === null || !hasDigest(pulled, image, found)) {
      throw pullFailure(
        'network',
        `${key}: the pull ended, but the engine does not have ${digest ?? 'the image'}`,
      );
    }
    if (isDigest(version) && found !== version) {
      throw pullFailure('unknown', `${key}: the registry answered with another digest, ${found}`);
    }
    return { digest: found, reference: `${image}@${found}` };
  }

  /** The digest of the stream's last lines; null from an engine that does not tell it (podman). */
  async #readPull(request: PullRequest, key: string, permit: Permit): Promise<string | null> {
    const idle = new AbortController();
    const signal = AbortSignal.any([request.signal, idle.signal]);
    let timer: NodeJS.Timeout | undefined;
    const restartTimer = () => {
      clearTimeout(timer);
      timer = setTimeout(() => idle.abort(), this.#options.idleTimeoutMs);
    };
    const progress = new PullProgress();
    try {
      const stream = await this.#openPull(request, permit, signal);
      restartTimer();
      for await (const line of readJsonLines(stream, `pull ${key}`)) {
        restartTimer();
        const failure = progress.push(line);
        if (failure !== null) throw toPullFailure(failure, request);
        request.onProgress(progress.describe());
      }
    } catch (error) {
      throw asPullFailure(error, request);
    } finally {
      clearTimeout(timer);
    }
    if (request.signal.aborted) throw new RuntimeFailure('cancelled', `pull ${key}: cancelled`);
    if (idle.signal.aborted) throw pullFailure('network', `${key}: no sign of life from the pull`);
    const { isPodman } = await this.#client.session();
    if (!progress.isComplete && !isPodman) throw pullFailure('network', `${key}: the pull was cut off`);
    return progress.digest;
  }

  async #openPull({ image, version }: PullRequest, permit: Permit, signal: AbortSignal) {
    const auth = await readRegistryAuth(image, this.#options.configDirectory);
    const call = {
      action: 'pull',
      subject: imageKey(image, version),
      timeoutMs: PULL_HEAD_TIMEOUT_MS,
      permit,
      signal,
    };
    return await this.#client.stream(call, (docker, abortSignal) =>
      docker.createImage(auth ?? {}, { fromImage: image, tag: version, abortSignal }),
    );
  }

  async #inspect(name: string): Promise<Docker.ImageInspectInfo | null> {
    const call = { action: 'inspect-image', subject: name, safe: true };
    return await this.#client
      .call(call, async (docker, abortSignal) => {
        const reply = await ask(docker, `/images/${name}/json`, abortSignal);
        return reply as Docker.ImageInspectInfo;
      })
      .catch((error: unknown) => {
        if (isMissing(error)) return null;
        throw error;
      });
  }

  /** Removes what `drop` names and nothing else needs. A local image under a tag is its builder's, and stays. */
  async prune(
    image: string,
    keep: readonly string[],
    drop: readonly string[],
    permit: Permit,
  ): Promise<void> {
    const kept = new Set(
      await Promise.all(keep.map(async (reference) => (await this.#inspect(reference))?.Id)),
    );
    for (const reference of drop) {
      if (keep.includes(reference)) continue;
      const found = await this.#inspect(reference);
      if (found === null || kept.has(found.Id) || isShared(found, image, reference)) continue;
      if (!(await this.#isInUse(found.Id))) await this.#remove(found, reference, permit);
    }
  }

  async #isInUse(id: string): Promise<boolean> {
    const call = { action: 'list', subject: id.slice(0, 19), safe: true };
    const users = await this.#client.call(call, (docker, abortSignal) =>
      docker.listContainers({ all: true, filters: { ancestor: [id] }, abortSignal }),
    );
    return users.length > 0;
  }

  /** Never by force and never by id: the engine itself refuses what a container came to use meanwhile. */
  async #remove(
    { RepoTags, RepoDigests }: Docker.ImageInspectInfo,
    reference: string,
    permit: Permit,
  ): Promise<void> {
    const names = isDigest(reference) ? [reference] : [...(RepoTags ?? []), ...(RepoDigests ?? [])];
    for (const name of names) {
      const call = { action: 'remove-image', subject: name, timeoutMs: 60_000, permit };
      await this.#client
        .call(call, (docker, abortSignal) => docker.getImage(name).remove({ abortSignal }))
        .catch((error: unknown) => {
          if (!isMissing(error)) throw error;
        });
    }
  }
}

function pullFailure(pull: 'missing' | 'refused' | 'network' | 'unknown', message: string): RuntimeFailure {
  return new RuntimeFailure('image-pull', message, { pull });
}

/**
 * What the engine answers to a pull is the registry's word, and read as that alone. An engine that is away or slow is not
 * the registry's fault and keeps its own code.
 */
function asPullFailure(error: unknown, pulled: Pulled): unknown {
  if (!(error instanceof RuntimeFailure) || error.code === 'image-pull') return error;
  const status = statusOf(error.cause);
  const isReply = status !== null && error.code !== 'engine-unavailable';
  if (!isReply && error.code !== 'engine-error') return error;
  const words = isReply ? describeEngineError(error.cause) : error.message;
  return toPullFailure(words, pulled, { cause: error, status });
}
