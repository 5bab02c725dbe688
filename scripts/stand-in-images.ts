// Local stand-ins for the public images that Dockerfile and docker-compose.yml name, made from this machine's own
// programs, for machines that reach no image registry. An image that is there is never replaced.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Docker from 'dockerode';
import { hasImage, importFolder, removeImages } from './engine-images.ts';
import { nodeProgram, withTemporaryFolder } from './images.ts';
import { findProgram, layOutRootFs, type Program } from './root-fs.ts';

/** On every stand-in, and so on every stage that is built on one: what is left of a build is found by it. */
export const STAND_IN_LABEL = 'slipway-test.stand-in';
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';

interface StandIn {
  readonly programs: readonly Program[];
  readonly changes: readonly string[];
  readonly layOut: (root: string) => void;
}

/** Makes those of the references that are missing, and returns them, for whoever removes them afterwards. */
export async function ensureStandIns(
  references: readonly string[],
  docker: Docker = new Docker(),
): Promise<string[]> {
  const made: string[] = [];
  const label = `LABEL ${STAND_IN_LABEL}=true`;
  for (const reference of references) {
    if (await hasImage(docker, reference)) continue;
    const [repository = '', tag = ''] = reference.split(/:(?=[^/]*$)/);
    const standIn = describeStandIn(repository);
    await withTemporaryFolder(async (folder) => {
      layOutRootFs(folder, standIn.programs);
      standIn.layOut(folder);
      await importFolder(docker, folder, { repository, tag, changes: [...standIn.changes, label] });
    });
    made.push(reference);
  }
  return made;
}

/** Removes what `ensureStandIns` made, and the untagged stages that were built on it. */
export async function removeStandIns(made: readonly string[], docker: Docker = new Docker()): Promise<void> {
  if (made.length > 0) {
    await docker.pruneImages({ filters: { dangling: ['true'], label: [`${STAND_IN_LABEL}=true`] } });
  }
  await removeImages(made, docker);
}

function describeStandIn(repository: string): StandIn {
  switch (repository) {
    case 'node':
      return {
        programs: [nodeProgram()],
        layOut: layOutNpm,
        changes: [`ENV NODE_EXTRA_CA_CERTS=${CERTIFICATES}`],
      };
    case 'quay.io/coreos/etcd':
      return {
        programs: [program('etcd', '/usr/local/bin/etcd'), program('etcdctl', '/usr/local/bin/etcdctl')],
        layOut: () => undefined,
        changes: ['ENV PATH=/usr/local/bin:/usr/bin:/bin ETCDCTL_API=3', 'CMD ["/usr/local/bin/etcd"]'],
      };
    case 'prom/prometheus':
      return {
        programs: [program('prometheus', '/bin/prometheus')],
        layOut: layOutPrometheus,
        changes: [
          'USER nobody',
          'VOLUME /prometheus',
          'WORKDIR /prometheus',
          'ENTRYPOINT ["/bin/prometheus"]',
          'CMD ["--config.file=/etc/prometheus/prometheus.yml","--storage.tsdb.path=/prometheus"]',
        ],
      };
    default:
      throw new Error(`no stand-in for the image ${repository}: pull it`);
  }
}

/** npm as this machine has it, with this machine's registry and certificates. */
function layOutNpm(root: string): void {
  const cli = findProgram('npm');
  if (cli === null) throw new Error('npm is missing');
  const modules = join(root, 'usr/local/lib/node_modules');
  cpSync(realpathSync(join(cli, '../..')), join(modules, 'npm'), { recursive: true });
  for (const name of ['npm', 'npx']) {
    symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(root, 'usr/local/bin', name));
  }
  symlinkSync('/bin/env', join(root, 'usr/bin/env'));
  if (existsSync(CERTIFICATES)) cpSync(CERTIFICATES, join(root, CERTIFICATES), { recursive: true });
  const registry = execFileSync('npm', ['config', 'get', 'registry'], {
    stdio: ['ignore', 'pipe', 'ignore'],
    encoding: 'utf8',
    timeout: 20_000,
  }).trim();
  mkdirSync(join(root, 'usr/local/etc'), { recursive: true });
  writeFileSync(join(root, 'usr/local/etc/npmrc'), `registry=${registry}\nupdate-notifier=false\n`);
}

function layOutPrometheus(root: string): void {
  for (const folder of ['etc/prometheus', 'prometheus']) {
    mkdirSync(join(root, folder), { recursive: true });
    execFileSync('chown', ['65534:65534', join(root, folder)], { timeout: 10_000 });
  }
}

function program(name: string, target: string): Program {
  const source = findProgram(name);
  if (source === null) throw new Error(`${name} is missing: run scripts/bootstrap.sh --for-tests`);
  return { source, target };
}
