// One service's entry of the table, from unknown to checked and normalised: every default filled in, durations in
// milliseconds. Decides nothing about other services.
import { type Fields, isFields, Reader } from './reader.ts';
import { readTreatment } from './settings.ts';
import type { Affinity, Preview, ServiceEntry, ServiceSettings, Share, TargetAddress } from './table.ts';
import { readMatch, readTrial } from './trial.ts';

const HOST =
  /^(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$|^\[[0-9a-f:.]+\]$/;
const PATH = /^\/[^\s?#]*$/;
const ADDRESS = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_.-]+):([0-9]{1,5})$/;
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

export type ParsedEntry =
  | { readonly ok: true; readonly entry: ServiceEntry }
  | { readonly ok: false; readonly problems: readonly string[] };

/** Fields that are not known are left alone: a newer controller may write them. */
export function parseEntry(value: unknown): ParsedEntry {
  const reader = new Reader();
  const fields = reader.fields(value, 'entry');
  if (reader.problems.length > 0) return { ok: false, problems: reader.problems };
  const entry: ServiceEntry = {
    raw: value,
    routes: readRoutes(reader, fields.routes),
    split: readSplit(reader, fields.split),
    targets: readTargets(reader, fields.targets),
    roles: readRoles(reader, fields.roles),
    coming: reader.flag(fields.coming, 'coming', false),
    preview: readPreview(reader, fields.preview),
    ...readTrial(reader, fields),
    settings: readSettings(reader, fields.proxy),
  };
  return reader.problems.length > 0 ? { ok: false, problems: reader.problems } : { ok: true, entry };
}

function readRoutes(reader: Reader, value: unknown): ServiceEntry['routes'] {
  return reader.list(value, 'routes').map((item, index) => {
    const path = `routes[${index}]`;
    const route = reader.fields(item, path, 'an object with host and path');
    const prefix = reader.text(route.path, `${path}.path`, PATH, 'a path that starts with /', '/');
    return { host: readHost(reader, route.host, `${path}.host`), path: prefix.replace(/(?<=.)\/+$/, '') };
  });
}

function readHost(reader: Reader, value: unknown, path: string): string {
  if (value === undefined || value === '*') return '*';
  const host = typeof value === 'string' ? value.toLowerCase() : value;
  return reader.text(host, path, HOST, 'a host name, or *.example.com');
}

/** Shares with weight only, ascending by revision. They sum to 100, or there is none at all. */
function readSplit(reader: Reader, value: unknown): readonly Share[] {
  const shares: Share[] = [];
  let sum = 0;
  for (const [key, weight] of Object.entries(reader.fields(value, 'split', 'revisions with their weights'))) {
    const revision = reader.integer(toRevision(key), `split.${key}`, 1, Number.MAX_SAFE_INTEGER);
    const share = { revision, weight: reader.integer(weight, `split.${key}`, 0, 100) };
    sum += share.weight;
    if (share.weight > 0) shares.push(share);
  }
  if (sum !== 100 && sum !== 0 && reader.problems.length === 0) {
    reader.refuse('split', value, `weights that sum to 100, not ${sum}`);
  }
  return shares.sort((a, b) => a.revision - b.revision);
}

function toRevision(key: string): unknown {
  return /^[1-9][0-9]*$/.test(key) ? Number(key) : key;
}

function readTargets(reader: Reader, value: unknown): readonly TargetAddress[] {
  const targets = new Map<string, TargetAddress>();
  for (const [index, item] of reader.list(value, 'targets').entries()) {
    const path = `targets[${index}]`;
    const fields = reader.fields(item, path, 'an object with revision and address');
    const revision = reader.integer(fields.revision, `${path}.revision`, 1, Number.MAX_SAFE_INTEGER);
    const address = reader.text(fields.address, `${path}.address`, ADDRESS, 'host:port');
    const parts = ADDRESS.exec(address);
    const port = Number(parts?.[2] ?? 1);
    if (port < 1 || port > 65_535) reader.refuse(`${path}.address`, address, 'a port from 1 to 65535');
    const host = (parts?.[1] ?? '').replace(/^\[|\]$/g, '');
    const isH2c = readProtocol(reader, fields.protocol, `${path}.protocol`);
    targets.set(`${revision}@${address}`, { id: `${revision}@${address}`, revision, host, port, isH2c });
  }
  return [...targets.values()];
}

/** One that is not known cannot be spoken to: a newer controller's entry is refused rather than served wrongly. */
function readProtocol(reader: Reader, value: unknown, path: string): boolean {
  if (value === undefined || value === 'http/1.1') return false;
  if (value !== 'h2c') reader.refuse(path, value, 'http/1.1 or h2c');
  return value === 'h2c';
}

function readRoles(reader: Reader, value: unknown): ServiceEntry['roles'] {
  const fields = value === undefined ? {} : reader.fields(value, 'roles');
  const read = (name: 'stable' | 'candidate'): number | null => {
    const found = fields[name];
    if (found === undefined || found === null) return null;
    return reader.integer(found, `roles.${name}`, 1, Number.MAX_SAFE_INTEGER);
  };
  return { stable: read('stable'), candidate: read('candidate') };
}

function readPreview(reader: Reader, value: unknown): Preview | null {
  if (value === undefined || value === null) return null;
  const fields = reader.fields(value, 'preview');
  const revision = reader.integer(fields.revision, 'preview.revision', 1, Number.MAX_SAFE_INTEGER);
  const host = fields.host === undefined ? null : readHost(reader, fields.host, 'preview.host');
  if (host?.startsWith('*') === true) reader.refuse('preview.host', host, 'one exact host');
  const match = readMatch(reader, fields, 'preview');
  if (host === null && match.header === null && match.cookie === null)
    reader.refuse('preview', value, 'a host, a header or a cookie');
  return { revision, host, ...match };
}

function readSettings(reader: Reader, value: unknown): ServiceSettings {
  const fields = value === undefined ? {} : reader.fields(value, 'proxy');
  const park: Fields = fields.park === undefined ? {} : reader.fields(fields.park, 'proxy.park');
  return {
    timeoutMs: reader.durationMs(fields.timeout, 'proxy.timeout', 30_000),
    idleTimeoutMs: reader.durationMs(fields.idle_timeout, 'proxy.idle_timeout', 60_000),
    retries: reader.integer(fields.retries, 'proxy.retries', 0, 100, 1),
    parkTimeoutMs: reader.durationMs(park.timeout, 'proxy.park.timeout', 30_000),
    parkMaxRequests: reader.integer(park.max_requests, 'proxy.park.max_requests', 0, 1_000_000, 1_000),
    affinity: readAffinity(reader, fields.affinity),
    maxBodyBytes: readMaxBody(reader, fields.max_body),
    ...readHeaders(reader, fields.headers),
    ...readTreatment(reader, fields),
    missingHeaders: [],
  };
}

function readMaxBody(reader: Reader, value: unknown): number | null {
  if (value === undefined || value === null || value === 'none') return null;
  return reader.integer(value, 'proxy.max_body', 0, Number.MAX_SAFE_INTEGER);
}

function readAffinity(reader: Reader, value: unknown): Affinity | null {
  if (value === undefined || value === null) return null;
  const fields = reader.fields(value, 'proxy.affinity');
  const cookie = reader.text(fields.cookie, 'proxy.affinity.cookie', TOKEN, 'a cookie name');
  return {
    cookie,
    ttlSeconds: Math.ceil(reader.durationMs(fields.ttl, 'proxy.affinity.ttl', 3_600_000) / 1_000),
  };
}

/** Hop-by-hop and framing fields belong to each connection; they are not for a table to set. */
const OWN_FIELDS: ReadonlySet<string> = new Set([
  ...[
    'connection',
    'keep-alive',
    'proxy-connection',
    'transfer-encoding',
    'content-length',
    'trailer',
    'upgrade',
    'te',
  ],
]);

function readHeaders(reader: Reader, value: unknown): Pick<ServiceSettings, 'headers' | 'headerNames'> {
  if (value === undefined || value === null) return { headers: [], headerNames: new Set() };
  const headers: string[] = [];
  const headerNames = new Set<string>();
  for (const [name, text] of Object.entries(
    isFields(value) ? value : reader.fields(value, 'proxy.headers'),
  )) {
    const path = `proxy.headers.${name}`;
    reader.text(name, path, TOKEN, 'a header name');
    if (OWN_FIELDS.has(name.toLowerCase()))
      reader.refuse(path, name, 'a header that is not tied to one connection');
    headers.push(name, reader.text(text, path, FIELD_VALUE, 'a header value on one line'));
    headerNames.add(name.toLowerCase());
  }
  return { headers, headerNames };
}
