// Lays out minimal root file systems from what this machine has: programs with their shared libraries, and busybox
// for everything else. For base images where there is no registry to pull them from. Knows no engine.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';

export interface Program {
  /** On this machine. */
  readonly source: string;
  /** In the image. */
  readonly target: string;
}

/** Copies the programs, their shared libraries and busybox under `root`, with the accounts and folders that programs expect. */
export function layOutRootFs(root: string, programs: readonly Program[]): void {
  for (const folder of ['bin', 'etc', 'root', 'var', 'run', 'usr/bin', 'usr/sbin', 'usr/local/bin']) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  mkdirSync(join(root, 'tmp'));
  chmodSync(join(root, 'tmp'), 0o1777);
  writeFileSync(
    join(root, 'etc/passwd'),
    'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n',
  );
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\nnogroup:x:65534:\n');
  for (const program of [...programs, busybox()]) copyProgram(root, program);
  for (const applet of listApplets()) symlinkSync('busybox', join(root, 'bin', applet));
}

/** Text that changes whenever the root file system would: names and sizes of all that goes in. */
export function describeRootFs(programs: readonly Program[]): string {
  const files = [...programs, busybox()].flatMap(({ source, target }) => [
    `${target} ${statSync(source).size}`,
    ...listLibraries(source).map((library) => `${library} ${statSync(library).size}`),
  ]);
  return files.join('\n');
}

/** The program of that name on PATH, links followed. */
export function findProgram(name: string): string | null {
  const folders = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`.split(':');
  const found = folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
  return found === undefined ? null : realpathSync(found);
}

function busybox(): Program {
  const source = findProgram('busybox');
  if (source === null)
    throw new Error('busybox is missing: run scripts/bootstrap.sh, or install busybox-static');
  return { source, target: '/bin/busybox' };
}

function listApplets(): string[] {
  const text = execFileSync(busybox().source, ['--list'], { encoding: 'utf8', timeout: 10_000 });
  return text.split('\n').filter((applet) => applet !== '' && applet !== 'busybox');
}

function copyProgram(root: string, { source, target }: Program): void {
  for (const [from, to] of [
    [source, target] as const,
    ...listLibraries(source).map((path) => [path, path] as const),
  ]) {
    const path = join(root, to);
    if (existsSync(path)) continue;
    mkdirSync(dirname(path), { recursive: true });
    copyFileSync(from, path);
    chmodSync(path, basename(to).includes('.so') ? 0o644 : 0o755);
    if (basename(to).startsWith('ld-')) chmodSync(path, 0o755);
  }
}

/** Absolute paths of the shared libraries, the loader included; none for a static program. */
function listLibraries(program: string): string[] {
  let text: string;
  try {
    text = execFileSync('ldd', [program], {
      encoding: 'utf8',
      timeout: 10_000,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  } catch (error) {
    if (String(error).includes('not a dynamic executable')) return [];
    throw error;
  }
  return [...text.matchAll(/(?:=> )?(\/\S+) \(0x/g)].flatMap((match) => match[1] ?? []);
}
