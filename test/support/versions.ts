// The versions of the test web server that the end-to-end tests release, good and bad: one repository, each tag with
// one content for ever, so that files share them.
import Docker from 'dockerode';
import { buildImage, TEST_REPOSITORY } from '../../scripts/images.ts';

export const REPOSITORY = `${TEST_REPOSITORY}/e2e`;

/** By tag: the behaviour (see test/image/behaviour). */
const VERSIONS = {
  v1: {},
  v2: {},
  v3: {},
  /** Good, but two seconds late: a rollout can be met in the middle. */
  late: { READY_DELAY_MS: '2000' },
  /** Good for so long that it takes traffic. */
  sickens: { UNHEALTHY_AFTER_MS: '2500' },
  exits: { EXIT_AT_ONCE: '1', EXIT_CODE: '3' },
  never: { READY_DELAY_MS: '86400000' },
  refuses: { HEALTH_STATUS: '500' },
  /** Good until somebody makes that file, on a volume that its successors find as it is. */
  fragile: { SICK_WHILE: '/state/sick' },
  hungry: { OOM_AFTER_MS: '300' },
} as const satisfies Readonly<Record<string, Readonly<Record<string, string>>>>;

export type Version = keyof typeof VERSIONS;

export async function buildVersions(...tags: readonly Version[]): Promise<void> {
  await buildVersionsOn(new Docker(), ...tags);
}

/** On another engine than that of all tests. */
export async function buildVersionsOn(docker: Docker, ...tags: readonly Version[]): Promise<void> {
  for (const tag of tags) await buildImage({ repository: REPOSITORY, tag, env: VERSIONS[tag] }, docker);
}

/** The same images under another repository, such as one of a registry that does not have them. */
export async function nameVersions(repository: string, ...tags: readonly Version[]): Promise<string[]> {
  const docker = new Docker();
  for (const tag of tags) await docker.getImage(`${REPOSITORY}:${tag}`).tag({ repo: repository, tag });
  return tags.map((tag) => `${repository}:${tag}`);
}
