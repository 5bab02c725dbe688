// The images of the small web service (test/image) that demo, benchmarks and tests release. Built here, from this
// machine's node and busybox, once per content; all of them lie under the repository `slipway-test`.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import Docker from 'dockerode';
import { buildFolder, hasImage, importFolder, readImageLabel } from './engine-images.ts';
import { describeRootFs, findProgram, layOutRootFs, type Program } from './root-fs.ts';

export { listImages, removeImages } from './engine-images.ts';

export const TEST_REPOSITORY = 'slipway-test';
const CONTENT_LABEL = 'slipway-test.content';
const SERVER_FOLDER = resolve(import.meta.dirname, '../test/image');

export interface ImageRequest {
  /** Below `slipway-test/`; give one of your own wherever tags could mean different content. Default `slipway-test/web`. */
  readonly repository?: string;
  /** Also the service's VERSION, unless `env` says otherwise. */
  readonly tag: string;
  /** The behaviour: see test/image/behaviour. */
  readonly env?: Readonly<Record<string, string>>;
  /** What follows HEALTHCHECK in a Dockerfile. */
  readonly healthcheck?: string;
  readonly cmd?: readonly string[];
  /** Default 8080; null exposes nothing. */
  readonly expose?: number | null;
  /** Further Dockerfile lines. */
  readonly lines?: readonly string[];
}

/** node, busybox and the web server as an image; imported at first, then found. Returns its reference. */
export async function ensureBaseImage(docker: Docker = new Docker()): Promise<string> {
  const programs = [nodeProgram()];
  const names = readdirSync(SERVER_FOLDER).filter((name) => name.endsWith('.ts'));
  const sources = names.sort().map((name) => readFileSync(join(SERVER_FOLDER, name), 'utf8'));
  const tag = hash([describeRootFs(programs), ...sources].join('\n'));
  const reference = `${TEST_REPOSITORY}/base:${tag}`;
  if (await hasImage(docker, reference)) return reference;
  await withTemporaryFolder(async (folder) => {
    layOutRootFs(folder, programs);
    writeServer(join(folder, 'app'));
    const changes = ['ENV PATH=/usr/local/bin:/usr/bin:/bin'];
    await importFolder(docker, folder, { repository: `${TEST_REPOSITORY}/base`, tag, changes });
  });
  return reference;
}

/** Builds `repository:tag` unless it stands there with the same content, and returns that reference. */
export async function buildImage(request: ImageRequest, docker: Docker = new Docker()): Promise<string> {
  const reference = `${request.repository ?? `${TEST_REPOSITORY}/web`}:${request.tag}`;
  const base = await ensureBaseImage(docker);
  const rest = writeDockerfile(request);
  const content = hash(`${base}\n${rest}`);
  const label = `${CONTENT_LABEL}=${content}`;
  if ((await readImageLabel(docker, reference, CONTENT_LABEL)) === content) return reference;
  await withTemporaryFolder(async (folder) => {
    writeFileSync(join(folder, 'Dockerfile'), `FROM ${base}\nLABEL ${label}\n${rest}`);
    await buildFolder(docker, folder, { reference, label });
  });
  return reference;
}

/** The node that came with the packages, or the one that runs this. */
export function nodeProgram(): Program {
  return { source: findProgram('node') ?? process.execPath, target: '/usr/local/bin/node' };
}

export async function withTemporaryFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-image-'));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function writeDockerfile(request: ImageRequest): string {
  const env = { VERSION: request.tag, ...request.env };
  const port = request.expose === undefined ? 8080 : request.expose;
  const lines = [
    ...Object.entries(env).map(([name, value]) => `ENV ${name}=${JSON.stringify(value)}`),
    ...(port === null ? [] : [`EXPOSE ${port}`]),
    ...(request.healthcheck === undefined ? [] : [`HEALTHCHECK ${request.healthcheck}`]),
    ...(request.lines ?? []),
    `CMD ${JSON.stringify(request.cmd ?? ['node', '/app/server.mjs'])}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** The server without its types, so that node starts it at once; stripped in a child, which may warn of it unheard. */
function writeServer(folder: string): void {
  mkdirSync(folder);
  const strip = `
    import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
    import { stripTypeScriptTypes } from 'node:module';
    const [from, to] = process.argv.slice(1);
    for (const name of readdirSync(from).filter((name) => name.endsWith('.ts'))) {
      const text = stripTypeScriptTypes(readFileSync(from + '/' + name, 'utf8'));
      writeFileSync(to + '/' + name.replace('.ts', '.mjs'), text.replaceAll(/(from '\\.\\/[^']+)\\.ts'/g, "$1.mjs'"));
    }`;
  const flags = ['--disable-warning=ExperimentalWarning', '--input-type=module'];
  execFileSync(process.execPath, [...flags, '--eval', strip, SERVER_FOLDER, folder], { timeout: 30_000 });
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
