// The two worlds that the runtime's contract suite runs in: the fake engine on a clock of its own, and dockerd.
import Docker from 'dockerode';
import { openDocker } from '../../deploy/docker.ts';
import { containerName } from '../../deploy/labels.ts';
import type { ContainerRuntime, ResolvedImage } from '../../deploy/runtime.ts';
import { importFolder, removeImages } from '../../scripts/engine-images.ts';
import { withTemporaryFolder } from '../../scripts/images.ts';
import { layOutRootFs } from '../../scripts/root-fs.ts';
import { type Behaviour, FakeRuntime } from '../fakes/runtime.ts';
import { removeEverything } from '../support/containers.ts';
import { uniqueName, uniquePrefix } from '../support/names.ts';
import { waitFor } from '../support/wait.ts';

/** `steady`: runs, logs one, two, three, passes `true`. `exiting`: logs begun, ending, and ends with 3. `checked`: steady, with a HEALTHCHECK. */
export type ImageKind = 'steady' | 'exiting' | 'checked';

export interface RuntimeWorld {
  readonly runtime: ContainerRuntime;
  readonly prefix: string;
  readonly image: string;
  resolved(kind: ImageKind): ResolvedImage;
  /** Polls until the value is neither null nor false; lets time pass meanwhile. */
  until<T>(what: string, probe: () => Promise<T | null | false>): Promise<T>;
  /** Somebody else's container takes the name of this replica. */
  takeName(service: string, revision: number, ordinal: number): Promise<void>;
  close(): Promise<void>;
}

const BEHAVIOURS: Readonly<Record<ImageKind, Behaviour>> = {
  steady: { log: ['one', 'two', 'three'] },
  exiting: { exitsAfterMs: 50, exitCode: 3, log: ['begun', 'ending'] },
  checked: { log: ['one', 'two', 'three'], healthcheck: ['CMD', '/bin/true'] },
};

export async function openFakeWorld(): Promise<RuntimeWorld> {
  let now = Date.parse('2026-01-01T00:00:00Z');
  const runtime = new FakeRuntime({ now: () => now });
  const image = 'shop/web';
  const images = new Map(
    Object.entries(BEHAVIOURS).map(([kind, behaviour]) => [kind, runtime.addImage(image, kind, behaviour)]),
  );
  return {
    runtime,
    prefix: '/fake',
    image,
    resolved: (kind) => present(images.get(kind)),
    until: async (what, probe) => {
      for (let polls = 0; polls < 1000; polls += 1) {
        const value = await probe();
        if (value !== null && value !== false) return value;
        now += 20;
        runtime.tick();
      }
      throw new Error(`never came: ${what}`);
    },
    takeName: async (service, revision, ordinal) => runtime.addForeign(`${service}-r${revision}-${ordinal}`),
    close: async () => undefined,
  };
}

const STEADY = `trap 'exit 0' TERM; echo one; echo two; echo three; while :; do sleep 0.05; done`;
const CHANGES: Readonly<Record<ImageKind, readonly string[]>> = {
  steady: [`CMD ["/bin/sh", "-c", ${JSON.stringify(STEADY)}]`],
  exiting: ['CMD ["/bin/sh", "-c", "echo begun; echo ending; exit 3"]'],
  checked: [
    `CMD ["/bin/sh", "-c", ${JSON.stringify(STEADY)}]`,
    'HEALTHCHECK --interval=1h CMD ["/bin/true"]',
  ],
};

export async function openDockerWorld(): Promise<RuntimeWorld> {
  const docker = new Docker();
  const prefix = uniquePrefix();
  const image = `slipway-test/${uniqueName('contract')}`;
  const runtime = openDocker({});
  const foreign: string[] = [];
  const images = new Map<ImageKind, ResolvedImage>();
  for (const kind of ['steady', 'exiting', 'checked'] as const) {
    await importBusybox(docker, image, kind, CHANGES[kind]);
    images.set(kind, await resolveLocal(runtime, image, kind));
  }
  return {
    runtime,
    prefix,
    image,
    resolved: (kind) => present(images.get(kind)),
    until: (what, probe) => waitFor(what, probe),
    takeName: async (service, revision, ordinal) => {
      const name = containerName(prefix, service, revision, ordinal);
      const container = await docker.createContainer({ name, Image: `${image}:steady` });
      foreign.push(container.id);
    },
    close: async () => {
      await removeEverything(prefix, docker);
      await Promise.all(foreign.map((id) => docker.getContainer(id).remove({ force: true })));
      await removeImages(
        [...images.keys()].map((kind) => `${image}:${kind}`),
        docker,
      );
      runtime.close();
    },
  };
}

export async function importBusybox(
  docker: Docker,
  repository: string,
  tag: string,
  changes: readonly string[],
): Promise<void> {
  await withTemporaryFolder(async (folder) => {
    layOutRootFs(folder, []);
    await importFolder(docker, folder, { repository, tag, changes });
  });
}

export async function resolveLocal(
  runtime: ContainerRuntime,
  image: string,
  version: string,
): Promise<ResolvedImage> {
  const signal = new AbortController().signal;
  return await runtime.resolveImage({ image, version, policy: 'never', onProgress: () => undefined, signal });
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the world lacks an image');
  return value;
}
