// Fields that people bring along from Compose and that a spec does not have: why not, and what to write instead.
import { findNearest } from './nearest.ts';

const PRIVILEGE = 'it gives the container the host, and Slipway never does that';

const FOREIGN: Readonly<Record<string, string>> = {
  privileged: `${PRIVILEGE} (cap_add grants single capabilities)`,
  network_mode: `${PRIVILEGE}; list networks under \`networks\``,
  pid: `${PRIVILEGE}`,
  ipc: `${PRIVILEGE} (shm_size sets the size of /dev/shm)`,
  uts: `${PRIVILEGE}`,
  userns_mode: `${PRIVILEGE}`,
  cgroup_parent: `${PRIVILEGE}`,
  devices: `${PRIVILEGE}`,
  ports: 'replicas publish no ports; give `port`, and `routes` for the proxy to serve it',
  expose: 'give the one `port` that takes traffic',
  build: 'Slipway runs images that exist; build and push it, then set the version key',
  depends_on: 'services are released on their own; let the application wait for what it needs',
  env_file: 'the daemon reads no files of yours; write `environment`',
  secrets: 'write `environment`, or mount a file under `volumes`',
  configs: 'write `environment`, or mount a file under `volumes`',
  container_name: 'containers are named <service>-r<revision>-<ordinal>',
  hostname: 'replicas have host names of their own',
  links: 'list networks under `networks`',
  volumes_from: 'list `volumes`',
  deploy: 'write `replicas`, `strategy` and `rollback` at the top',
  scale: 'write `replicas`',
  update_config: 'write `strategy`',
  rollback_config: 'write `rollback`',
  version: 'the version is a key of its own (`slipway release SERVICE VERSION`)',
  tag: 'the version is a key of its own (`slipway release SERVICE VERSION`)',
  weights: 'the manual split is a key of its own (`slipway weights SERVICE v1=90 v2=10`)',
  profiles: 'a service exists while its spec does',
};

/** What to write instead of a field that does not exist where only `known` do. */
export function explainUnknownField(name: string, known: readonly string[]): string {
  const foreign = Object.hasOwn(FOREIGN, name) ? FOREIGN[name] : undefined;
  if (foreign !== undefined && known.includes('image')) return foreign;
  const nearest = findNearest(name, known);
  return nearest === null ? `the fields here are ${known.join(', ')}` : `\`${nearest}\` perhaps`;
}
