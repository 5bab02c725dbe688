// Doctor's checks of the engine: the socket's permissions first, since they explain most of what fails after them.
import { access, constants, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { type Finding, fail, ok, warn } from './finding.ts';
import type { Outside } from './outside.ts';

/** The oldest API that this program was tried with. */
const OLDEST_API = '1.41';

export async function checkEngine(
  outside: Outside,
  { docker }: { readonly docker: string },
): Promise<Finding[]> {
  const socket = docker.startsWith('unix://') ? await checkSocket(docker.slice('unix://'.length)) : [];
  if (socket.some(({ state }) => state === 'fail')) return socket;
  try {
    const runtime = await outside.openRuntime(docker);
    const info = await runtime.info(AbortSignal.timeout(10_000));
    return [...socket, ok('engine', `${info.name} ${info.version} at ${docker}`), checkApi(info.apiVersion)];
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    return [
      ...socket,
      fail('engine', found, 'start it (`systemctl start docker`), or name another with --docker'),
    ];
  }
}

async function checkSocket(path: string): Promise<Finding[]> {
  const check = 'engine socket';
  try {
    await access(path, constants.R_OK | constants.W_OK);
    return [ok(check, `${path} may be used`)];
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code === 'EACCES' || code === 'EPERM') {
      const found = `${userInfo().username} may not use ${path}`;
      const group = (await stat(path).catch(() => null))?.gid;
      const remedy = `join its group${group === undefined ? '' : ` (gid ${group}; often \`usermod -aG docker ${userInfo().username}\`)`} and log in again; that group is as powerful as root`;
      return [fail(check, found, remedy)];
    }
    return [
      fail(
        check,
        `${path} does not exist`,
        'start the engine (`systemctl start docker`), or name another with --docker',
      ),
    ];
  }
}

function checkApi(version: string): Finding {
  if (compareVersions(version, OLDEST_API) >= 0) return ok('engine API', version);
  return warn(
    'engine API',
    `${version}, older than ${OLDEST_API}`,
    'upgrade the engine; older ones were never tried',
  );
}

/** Below, at or above zero, as for a sort: `1.9` is below `1.41`. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((text) =>
    text.split(/[.-]/).map((part) => Number.parseInt(part, 10) || 0),
  );
  for (let index = 0; index < 3; index += 1) {
    const distance = (left?.[index] ?? 0) - (right?.[index] ?? 0);
    if (distance !== 0) return distance;
  }
  return 0;
}
