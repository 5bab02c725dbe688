// Container labels ↔ identity, and container names. Labels are strings, always: a number in a label hangs the engine's
// `create`. A container without all of ours, or with those of another prefix, is foreign and never touched.
import { createHash } from 'node:crypto';
import type { CreateRequest, ReplicaIdentity } from './runtime.ts';

export const DEFAULT_PREFIX = '/slipway';

export const LABELS = {
  prefix: 'slipway.prefix',
  service: 'slipway.service',
  revision: 'slipway.revision',
  ordinal: 'slipway.ordinal',
  version: 'slipway.version',
  digest: 'slipway.digest',
  settings: 'slipway.settings',
  port: 'slipway.port',
  /** On the network that we create, not on containers. */
  network: 'slipway.network',
} as const;

/** Everything that a container of ours says of itself. `port` is the one that takes traffic. */
export interface ContainerLabels extends ReplicaIdentity {
  readonly version: string;
  readonly digest: string;
  readonly settings: string;
  readonly port: number | null;
}

export function toLabels({ identity, revision }: CreateRequest): Readonly<Record<string, string>> {
  return {
    [LABELS.prefix]: identity.prefix,
    [LABELS.service]: identity.service,
    [LABELS.revision]: String(identity.revision),
    [LABELS.ordinal]: String(identity.ordinal),
    [LABELS.version]: revision.version,
    [LABELS.digest]: revision.digest,
    [LABELS.settings]: revision.settingsHash,
    [LABELS.port]: revision.settings.port === null ? '' : String(revision.settings.port),
  };
}

/** Null for a container that is not ours. */
export function parseLabels(labels: Readonly<Record<string, string | undefined>>): ContainerLabels | null {
  const prefix = labels[LABELS.prefix];
  const service = labels[LABELS.service];
  const revision = parseCount(labels[LABELS.revision]);
  const ordinal = parseCount(labels[LABELS.ordinal]);
  if (prefix === undefined || service === undefined || revision === null || ordinal === null) return null;
  return {
    prefix,
    service,
    revision,
    ordinal,
    version: labels[LABELS.version] ?? '',
    digest: labels[LABELS.digest] ?? '',
    settings: labels[LABELS.settings] ?? '',
    port: parseCount(labels[LABELS.port]),
  };
}

function parseCount(text: string | undefined): number | null {
  return text !== undefined && /^(0|[1-9][0-9]{0,9})$/.test(text) ? Number(text) : null;
}

/** The name everywhere in Slipway. */
export function shortName(service: string, revision: number, ordinal: number): string {
  return `${service}-r${revision}-${ordinal}`;
}

/**
 * The name on the engine. With another prefix than the default it ends in a token of the prefix, so that two prefixes
 * on one engine cannot meet: `web-r3-1.5f2a9c01`. A service name has no dot, so no service can spell such a name.
 */
export function containerName(prefix: string, service: string, revision: number, ordinal: number): string {
  const name = shortName(service, revision, ordinal);
  return prefix === DEFAULT_PREFIX ? name : `${name}.${prefixToken(prefix)}`;
}

function prefixToken(prefix: string): string {
  return createHash('sha256').update(prefix).digest('hex').slice(0, 8);
}
