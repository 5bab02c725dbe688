// Room on the engine's disk before a pull: a full one takes down more than the pull. Only where that disk is this machine's
// to see; where it is not, that is said once.
import { statfs } from 'node:fs/promises';
import { ask } from './docker-ask.ts';
import type { EngineClient } from './docker-client.ts';
import { RuntimeFailure } from './errors.ts';
import { isRecord } from './line-reader.ts';

export interface SpaceOptions {
  readonly minFreeBytes: number;
  /** What an operator should know, once. */
  readonly onNotice: (message: string) => void;
}

export class FreeSpace {
  readonly #client: EngineClient;
  readonly #options: SpaceOptions;
  #isBlind = false;

  constructor(client: EngineClient, options: SpaceOptions) {
    this.#client = client;
    this.#options = options;
  }

  /** Throws a pull failure of the kind `space`. */
  async require(key: string): Promise<void> {
    if (this.#client.endpoint.kind !== 'unix') return this.#noteBlind('the engine is not on this machine');
    const call = { action: 'info', subject: 'engine', safe: true };
    const root = await this.#client.call(call, async (docker, abortSignal) =>
      rootOf(await ask(docker, '/info', abortSignal)),
    );
    const disk = await statfs(root).catch(() => null);
    if (disk === null) return this.#noteBlind(`${root} is not to be seen from here`);
    const free = disk.bavail * disk.bsize;
    if (free >= this.#options.minFreeBytes) return;
    const megabytes = Math.floor(free / 1e6);
    const message = `${key}: only ${megabytes} MB are free under ${root}; remove images or make room`;
    throw new RuntimeFailure('image-pull', message, { pull: 'space' });
  }

  #noteBlind(why: string): void {
    if (this.#isBlind) return;
    this.#isBlind = true;
    this.#options.onNotice(`free space is not checked before a pull: ${why}`);
  }
}

function rootOf(info: unknown): string {
  return isRecord(info) && typeof info.DockerRootDir === 'string' ? info.DockerRootDir : '/';
}
