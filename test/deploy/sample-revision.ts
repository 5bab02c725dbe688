// Revisions and create requests for tests of the engine's side: a small valid one, of which a test changes a part.
import type { CreateRequest } from '../../deploy/runtime.ts';
import type { ContainerSettings, Healthcheck, ProbeKind, Revision } from '../../strategies/model.ts';

export const PLAIN_CONTAINER: ContainerSettings = {
  environment: {},
  labels: {},
  volumes: [],
  networks: [],
  capDrop: [],
  capAdd: [],
  securityOpt: [],
  tmpfs: [],
  ulimits: {},
  extraHosts: [],
  stopGracePeriodMs: 2_000,
  restart: 'no',
};

export function sampleHealthcheck(probe: ProbeKind, parts: Partial<Healthcheck> = {}): Healthcheck {
  const times = { intervalMs: 5_000, startIntervalMs: 100, timeoutMs: 2_000, startPeriodMs: 0 };
  return { probe, ...times, retries: 3, rise: 1, ...parts };
}

export interface RequestParts {
  readonly prefix?: string;
  readonly service?: string;
  readonly ordinal?: number;
  readonly number?: number;
  readonly image?: string;
  readonly reference?: string;
  readonly digest?: string;
  readonly port?: number | null;
  readonly probe?: ProbeKind;
  readonly container?: Partial<ContainerSettings>;
}

export function sampleRevision(parts: RequestParts = {}): Revision {
  const digest = parts.digest ?? `sha256:${'1'.repeat(64)}`;
  const image = parts.image ?? 'shop/web';
  return {
    number: parts.number ?? 1,
    version: 'v1',
    image,
    digest,
    reference: parts.reference ?? `${image}@${digest}`,
    settingsHash: 'abc',
    settings: {
      port: parts.port === undefined ? 8080 : parts.port,
      healthcheck: sampleHealthcheck(parts.probe ?? { kind: 'auto' }),
      container: { ...PLAIN_CONTAINER, ...parts.container },
    },
    restart: 0,
    created: '2026-01-01T00:00:00Z',
  };
}

export function sampleRequest(parts: RequestParts = {}): CreateRequest {
  const revision = sampleRevision(parts);
  const { prefix = '/slipway', service = 'web', ordinal = 1 } = parts;
  return {
    identity: { prefix, service, revision: revision.number, ordinal },
    name: `${service}-r${revision.number}-${ordinal}`,
    revision,
  };
}
