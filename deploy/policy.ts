// What a spec may ask of the engine, decided by the daemon and closed by default: whoever may write a spec must not
// become root on the host through it. Pure; the adapter resolves symlinks first and enforces the answer in `start`.
import type { ContainerSettings, VolumeMount } from '../strategies/model.ts';
import { registryOf } from './repository.ts';

export interface PolicyOptions {
  /** Host paths that specs may bind-mount, themselves and what is below (`--allow-mount`). */
  readonly allowMounts: readonly string[];
  /** Registries that images may come from; null: any. `docker.io` names Docker Hub. */
  readonly registries: readonly string[] | null;
  /** The engine's own, where it has one on this machine. */
  readonly socket?: string | undefined;
}

export const CLOSED_POLICY: PolicyOptions = { allowMounts: [], registries: null };

/** One reason, with the spec's own path to the field. */
export interface Refusal {
  readonly field: string;
  readonly reason: string;
}

export interface PolicySubject {
  readonly image: string;
  readonly container: ContainerSettings;
  /** Where a bind mount's source really leads, symlinks followed; a source not in it is taken as written. */
  readonly realPaths?: Readonly<Record<string, string>>;
}

export function checkPolicy(subject: PolicySubject, options: PolicyOptions): readonly Refusal[] {
  const { container } = subject;
  return [
    ...checkRegistry(subject.image, options.registries),
    ...checkPrivileged(container),
    ...container.volumes.flatMap((volume, index) =>
      checkVolume(volume, index, subject.realPaths ?? {}, options),
    ),
    ...container.capAdd.flatMap(checkCapability),
    ...container.securityOpt.flatMap(checkSecurityOption),
    ...container.networks.flatMap(checkNetwork),
    ...container.tmpfs.flatMap(checkTmpfs),
    ...Object.keys(container.labels).flatMap(checkLabel),
    ...checkLogging(container.logging),
  ];
}

export function describeRefusal({ field, reason }: Refusal): string {
  return `${field}: ${reason}`;
}

function checkRegistry(image: string, registries: readonly string[] | null): readonly Refusal[] {
  const registry = registryOf(image);
  if (registries === null || registries.includes(registry)) return [];
  return [refuse('image', `registry ${registry} is not on the list of allowed registries`)];
}

function checkPrivileged({ privileged }: ContainerSettings): readonly Refusal[] {
  return privileged === true ? [refuse('privileged', 'a privileged container is root on the host')] : [];
}

function checkVolume(
  { type, source, target }: VolumeMount,
  index: number,
  realPaths: Readonly<Record<string, string>>,
  options: PolicyOptions,
): readonly Refusal[] {
  const field = `volumes[${index}]`;
  if (!target.startsWith('/')) return [refuse(field, `target ${target} is not an absolute path`)];
  if (type === 'volume') {
    return VOLUME_NAME.test(source) ? [] : [refuse(field, `${source} is not the name of a volume`)];
  }
  if (!source.startsWith('/')) return [refuse(field, `source ${source} is not an absolute path`)];
  return checkBind(field, normalisePath(realPaths[source] ?? source), normalisePath(source), options);
}

/** `path` is where `written` leads. */
function checkBind(
  field: string,
  path: string,
  written: string,
  { allowMounts, socket }: PolicyOptions,
): readonly Refusal[] {
  const allowed = allowMounts.map(normalisePath);
  if (isEngineSocket(path) || isEngineSocket(written)) {
    return allowed.includes(path) ? [] : [refuse(field, 'the engine’s socket is root on the host')];
  }
  if (!allowed.some((directory) => isWithin(path, directory)))
    return [refuse(field, `bind mount of ${path} is not opened with --allow-mount`)];
  const sockets = socket === undefined ? USUAL_SOCKETS : [...USUAL_SOCKETS, normalisePath(socket)];
  const inside = sockets.find((each) => isWithin(each, path) && !allowed.includes(each));
  return inside === undefined
    ? []
    : [refuse(field, `${path} has the engine’s socket ${inside} in it, which is root on the host`)];
}

const USUAL_SOCKETS: readonly string[] = [
  '/run/docker.sock',
  '/var/run/docker.sock',
  '/run/podman/podman.sock',
  '/run/containerd/containerd.sock',
];

const VOLUME_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

function isEngineSocket(path: string): boolean {
  return /(^|\/)(docker|podman|containerd|crio|buildkitd)[^/]*\.sock$/.test(path);
}

/** `..`, `.` and doubled slashes resolved, without a look at the disk. */
export function normalisePath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory === '/' ? '/' : `${directory}/`);
}

/** The engine's default set, which an added capability may name again, and a few that stay within the container. */
const HARMLESS_CAPABILITIES: ReadonlySet<string> = new Set(
  (
    'AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW SETFCAP SETGID SETPCAP SETUID ' +
    'SYS_CHROOT IPC_LOCK LEASE NET_BROADCAST SYS_NICE'
  ).split(' '),
);

function checkCapability(capability: string): readonly Refusal[] {
  const name = capability.toUpperCase().replace(/^CAP_/, '');
  return HARMLESS_CAPABILITIES.has(name) ? [] : [refuse('cap_add', `${name} reaches beyond the container`)];
}

function checkSecurityOption(option: string): readonly Refusal[] {
  const [, key = '', value = ''] = /^([^=:]+)[=:]?(.*)$/.exec(option) ?? [];
  const isHarmless =
    (key === 'no-new-privileges' && ['', 'true', 'false'].includes(value)) ||
    (key === 'apparmor' && /^[\w.-]+$/.test(value) && value.toLowerCase() !== 'unconfined') ||
    (key === 'label' && value.startsWith('level:'));
  return isHarmless
    ? []
    : [refuse('security_opt', `${option.slice(0, 80)} weakens the container’s isolation`)];
}

function checkNetwork(network: string): readonly Refusal[] {
  if (['host', 'none'].includes(network))
    return [refuse('networks', `network ${network} leaves the container’s own`)];
  return VOLUME_NAME.test(network) ? [] : [refuse('networks', `${network} is not the name of a network`)];
}

function checkTmpfs(entry: string): readonly Refusal[] {
  const target = normalisePath(entry.split(':')[0] ?? '');
  const isKernel =
    ['/proc', '/sys', '/dev'].some((directory) => isWithin(target, directory)) &&
    !isWithin(target, '/dev/shm');
  if (!entry.startsWith('/') || target === '/')
    return [refuse('tmpfs', `${entry} is not a path inside the container`)];
  return isKernel ? [refuse('tmpfs', `${target} belongs to the kernel`)] : [];
}

function checkLabel(label: string): readonly Refusal[] {
  return label.startsWith('slipway.') ? [refuse('labels', `${label} is Slipway’s own`)] : [];
}

function checkLogging(logging: ContainerSettings['logging']): readonly Refusal[] {
  const local = Object.entries(logging?.options ?? {}).filter(
    ([name, value]) => /^\s*(unix\w*|file|fd):/i.test(value) || /-(ca|capath|cert|key)$/i.test(name),
  );
  return local.map(([name]) => refuse('logging', `option ${name} opens a socket or a file of the host`));
}

function refuse(field: string, reason: string): Refusal {
  return { field, reason };
}
