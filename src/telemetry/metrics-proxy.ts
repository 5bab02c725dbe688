// The proxy's metrics, rendered at each scrape from the plain numbers that it counts; nothing is kept here.
import { Registry } from 'prom-client';
import { collectProcessMetrics, defineBuildInfo, type Exposition } from './metrics.ts';
import { type Family, formatFamilies, type Labels, listHistogram, type Sample } from './metrics-text.ts';

/** By class of status, 1xx first. */
type ClassCounts = readonly number[];

interface RevisionNumbers {
  readonly revision: number;
  readonly inFlight: number;
  readonly errors: Readonly<Record<string, number>>;
  readonly requests: readonly {
    readonly role: string;
    readonly codes: ClassCounts;
    /** Each bucket by itself; one more than there are bounds. */
    readonly buckets: readonly number[];
    readonly sumSeconds: number;
  }[];
}

interface ServiceNumbers {
  readonly parked: number;
  readonly ejected: number;
  readonly retries: number;
  readonly mirror: { readonly codes: ClassCounts; readonly failed: number; readonly skipped: number };
  readonly unserved: ClassCounts;
  readonly revisions: readonly RevisionNumbers[];
}

/** What a proxy counts; `unserved` and `unrouted` it answered itself, for a service or for none. */
export interface ProxyNumbers {
  readonly tableVersion: number;
  readonly connections: number;
  /** By reason. */
  readonly refused: Readonly<Record<string, number>>;
  /** By reason. */
  readonly handshakeErrors: Readonly<Record<string, number>>;
  readonly unrouted: ClassCounts;
  readonly services: Readonly<Record<string, ServiceNumbers>>;
  readonly certificates: readonly CertificateNumbers[];
}

interface CertificateNumbers {
  readonly file: string;
  readonly isBad: boolean;
  /** Milliseconds since the epoch; null while nothing is served for it. */
  readonly expiresAt: number | null;
}

export interface ProxyMetricsOptions {
  /** The program's. */
  readonly version: string;
  /** Upper bounds of the buckets, in seconds. */
  readonly bounds: readonly number[];
  readonly numbers: () => ProxyNumbers | Promise<ProxyNumbers>;
}

export function createProxyMetrics({ version, bounds, numbers }: ProxyMetricsOptions): {
  render(): Promise<Exposition>;
} {
  const registry = new Registry();
  collectProcessMetrics(registry);
  defineBuildInfo(registry, version);
  return {
    async render() {
      const own = formatFamilies(listFamilies(await numbers(), bounds));
      return { contentType: registry.contentType, text: `${own}\n${await registry.metrics()}` };
    },
  };
}

export function listFamilies(numbers: ProxyNumbers, bounds: readonly number[]): readonly Family[] {
  const services = Object.entries(numbers.services);
  const revisions = services.flatMap(([service, each]) =>
    each.revisions.map((revision) => ({ ...revision, service })),
  );
  return [
    counter('requests_total', 'Requests answered, by class of status.', [
      ...listCodes({ service: '', role: '', revision: '' }, numbers.unrouted),
      ...services.flatMap(([service, each]) => listCodes({ service, role: '', revision: '' }, each.unserved)),
      ...revisions.flatMap((each) =>
        each.requests.flatMap(({ role, codes }) => listCodes(labelsOf(each, role), codes)),
      ),
    ]),
    {
      name: 'slipway_proxy_request_seconds',
      type: 'histogram',
      help: 'Time from the head of a request to the end of its response.',
      samples: revisions.flatMap((each) =>
        each.requests.flatMap(({ role, buckets, sumSeconds }) =>
          listHistogram(labelsOf(each, role), bounds, buckets, sumSeconds),
        ),
      ),
    },
    gauge(
      'in_flight',
      'Requests that a target is serving.',
      revisions.map(({ service, revision, inFlight }) => ({
        labels: { service, revision },
        value: inFlight,
      })),
    ),
    ...listStates(services),
    counter(
      'upstream_errors_total',
      'Failures of targets, by reason.',
      revisions.flatMap(({ service, revision, errors }) =>
        Object.entries(errors).map(([reason, value]) => ({ labels: { service, revision, reason }, value })),
      ),
    ),
    counter(
      'retries_total',
      'Requests sent a second time.',
      services.map(([service, { retries }]) => ({ labels: { service }, value: retries })),
    ),
    ...listConnections(numbers),
    ...listMirrors(services),
    ...listSecure(numbers, Date.now()),
    gauge('table_version', 'Revision of the store up to which the table is complete.', [
      { labels: {}, value: numbers.tableVersion },
    ]),
  ];
}

function listConnections({ connections, refused }: ProxyNumbers): readonly Family[] {
  return [
    gauge('connections', 'Open client connections.', [{ labels: {}, value: connections }]),
    counter(
      'connections_refused_total',
      'Connections closed before anything was served on them, by reason.',
      Object.entries(refused).map(([reason, value]) => ({ labels: { reason }, value })),
    ),
  ];
}

function listStates(services: readonly (readonly [string, ServiceNumbers])[]): readonly Family[] {
  return [
    gauge(
      'parked',
      'Requests that wait for a replica.',
      services.map(([service, { parked }]) => ({ labels: { service }, value: parked })),
    ),
    gauge(
      'ejected',
      'Targets that are not asked because they took no connections.',
      services.map(([service, { ejected }]) => ({ labels: { service }, value: ejected })),
    ),
  ];
}

function listMirrors(services: readonly (readonly [string, ServiceNumbers])[]): readonly Family[] {
  return [
    counter(
      'mirrored_total',
      'Copies of requests that a candidate answered, by class of status.',
      services.flatMap(([service, { mirror }]) => listCodes({ service }, mirror.codes)),
    ),
    counter(
      'mirror_errors_total',
      'Copies of requests that came to no answer, by reason.',
      services.flatMap(([service, { mirror }]) => [
        { labels: { service, reason: 'failed' }, value: mirror.failed },
        { labels: { service, reason: 'skipped' }, value: mirror.skipped },
      ]),
    ),
  ];
}

function listSecure({ certificates, handshakeErrors }: ProxyNumbers, now: number): readonly Family[] {
  return [
    counter(
      'handshake_errors_total',
      'Connections that came to no request over TLS, by reason.',
      Object.entries(handshakeErrors).map(([reason, value]) => ({ labels: { reason }, value })),
    ),
    gauge(
      'certificates',
      'Pairs of certificate and key: 1 for the state that the files are in.',
      certificates.flatMap(({ file, isBad }) => [
        { labels: { file, state: 'ok' }, value: Number(!isBad) },
        { labels: { file, state: 'bad' }, value: Number(isBad) },
      ]),
    ),
    gauge(
      'certificate_expiry_seconds',
      'Time until the certificate that is served expires; negative once it has.',
      certificates.flatMap(({ file, expiresAt }) =>
        expiresAt === null ? [] : [{ labels: { file }, value: (expiresAt - now) / 1_000 }],
      ),
    ),
  ];
}

function counter(name: string, help: string, samples: readonly Sample[]): Family {
  return { name: `slipway_proxy_${name}`, type: 'counter', help, samples };
}

function gauge(name: string, help: string, samples: readonly Sample[]): Family {
  return { name: `slipway_proxy_${name}`, type: 'gauge', help, samples };
}

function labelsOf({ service, revision }: { service: string; revision: number }, role: string): Labels {
  return { service, role, revision };
}

function listCodes(labels: Labels, codes: ClassCounts): readonly Sample[] {
  return codes.map((value, index) => ({ labels: { ...labels, code: `${index + 1}xx` }, value }));
}
