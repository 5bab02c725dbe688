// One service's keys, read from the mirror at one revision and parsed: what is wanted and what is remembered. Decides
// nothing; a value that does not parse becomes a problem to be told, never an exception.
import type {
  Observed,
  Parsed,
  ProxyState,
  Revision,
  RouteEntry,
  ServiceSpec,
  Written,
} from '../../strategies/model.ts';
import { parseCommand } from '../spec/command.ts';
import { parseSpec } from '../spec/parse.ts';
import { parseVersion } from '../spec/version.ts';
import { parseWeights } from '../spec/weights.ts';
import type { Keys } from '../store/keys.ts';
import type { Mirror } from '../store/mirror.ts';
import type { Entry } from '../store/port.ts';
import { parseOnce } from './parse-once.ts';
import { EMPTY_RECORD, parseRecord, type ServiceRecord } from './record.ts';

type Reader = Pick<Mirror, 'get' | 'entries' | 'former' | 'revision'>;

export interface SpecState {
  readonly spec: ServiceSpec;
  readonly hash: string;
  readonly text: string;
}

export interface Desired {
  readonly service: string;
  /** The etcd revision of the spec's key; 0 when there is none. */
  readonly specRevision: number;
  /** The spec in force: the key's, or the last valid one when the key is spoilt or gone. */
  readonly spec: SpecState | null;
  readonly isSpecGone: boolean;
  /** Lines, when the key's spec is refused. */
  readonly specProblems: readonly string[];
  readonly record: ServiceRecord;
  /** The etcd revision of the record's key; 0 when there is none. */
  readonly recordRevision: number;
  /** As it stands; null when there is none. */
  readonly recordText: string | null;
  readonly isRecordBroken: boolean;
  readonly version: Observed['version'];
  readonly weights: Observed['weights'];
  readonly command: Observed['command'];
  readonly freeze: string | null;
  readonly revisions: readonly Revision[];
  readonly quarantined: readonly string[];
  readonly proxies: readonly ProxyState[];
  readonly parted: Observed['parted'];
  readonly route: Written<RouteEntry> | null;
}

export function readDesired(reader: Reader, keys: Keys, service: string): Desired {
  const recordEntry = reader.get(keys.rollout(service));
  const parsed = recordEntry === null ? EMPTY_RECORD : parseOnce(recordEntry, parseRecord);
  const record = parsed ?? EMPTY_RECORD;
  return {
    service,
    ...readSpec(reader, keys, service, record),
    record,
    recordRevision: recordEntry?.modRevision ?? 0,
    recordText: recordEntry?.value ?? null,
    isRecordBroken: parsed === null,
    version: readWritten(reader, keys.version(service), parseVersion),
    weights: readWritten(reader, keys.weights(service), parseWeights),
    command: readWritten(reader, keys.command(service), parseCommand),
    freeze: readFreeze(reader, keys, service),
    revisions: readRevisions(reader, keys, service),
    quarantined: reader
      .entries(keys.quarantines(service))
      .map(({ key }) => key.slice(keys.quarantines(service).length)),
    proxies: readProxies(reader, keys),
    parted: readParted(reader, keys, record),
    route: readRoute(reader, keys, service),
  };
}

function readSpec(reader: Reader, keys: Keys, service: string, record: ServiceRecord) {
  const entry = reader.get(keys.spec(service));
  if (entry === null) {
    return { specRevision: 0, spec: readAccepted(record, service), isSpecGone: true, specProblems: [] };
  }
  const result = parseOnce(entry, (text) => parseSpec(text, service));
  const base = { specRevision: entry.modRevision, isSpecGone: false };
  if (result.ok) {
    return { ...base, spec: { spec: result.spec, hash: result.hash, text: entry.value }, specProblems: [] };
  }
  const specProblems = result.problems.map((problem) => problem.message);
  return { ...base, spec: readAccepted(record, service), specProblems };
}

/** The last valid spec. The record is written again and again while this text stays: it is parsed once. */
export function readAccepted({ accepted }: ServiceRecord, service: string): SpecState | null {
  if (accepted === null) return null;
  const before = acceptedSpecs.get(service);
  if (before?.text === accepted) return before.state;
  const result = parseSpec(accepted, service);
  const state = result.ok ? { spec: result.spec, hash: result.hash, text: accepted } : null;
  acceptedSpecs.set(service, { text: accepted, state });
  return state;
}

/** By service: what was read last. */
const acceptedSpecs = new Map<string, { readonly text: string; readonly state: SpecState | null }>();

function readWritten<T>(
  reader: Reader,
  key: string,
  parse: (text: string) => Parsed<T>,
): Written<Parsed<T>> | null {
  const entry = reader.get(key);
  return entry === null ? null : { value: parseOnce(entry, parse), revision: entry.modRevision };
}

function readFreeze(reader: Reader, keys: Keys, service: string): string | null {
  const entry = reader.get(keys.serviceFreeze(service)) ?? reader.get(keys.freeze);
  if (entry === null) return null;
  return entry.value.trim() === '' ? 'no reason given' : entry.value.trim();
}

function readRevisions(reader: Reader, keys: Keys, service: string): readonly Revision[] {
  const found = reader.entries(keys.revisions(service)).flatMap(readJson<Revision>);
  return [...found].sort((a, b) => a.number - b.number);
}

// What a proxy has applied cannot be ahead of its own word: one that says so speaks of an etcd before a restore.
function readProxies(reader: Reader, keys: Keys): readonly ProxyState[] {
  return reader.entries(keys.proxies).flatMap((entry) => {
    const [said] = readJson<Partial<ProxyState>>(entry);
    const id = entry.key.slice(keys.proxies.length);
    const applied = said?.applied ?? 0;
    const isOfNow = applied <= entry.modRevision;
    return [{ id, applied: isOfNow ? applied : 0, busy: said?.busy ?? {}, refused: said?.refused ?? {} }];
  });
}

// A proxy's last word under its key, also when the key has gone with it.
function readParted(reader: Reader, keys: Keys, { memory }: ServiceRecord): readonly string[] {
  const live = reader.entries(keys.proxies).map(({ key }) => key.slice(keys.proxies.length));
  return [...new Set([...live, ...Object.keys(memory.proxies)])].filter((id) => {
    const entry = reader.get(keys.proxy(id)) ?? reader.former(keys.proxy(id));
    return entry !== null && readJson<{ readonly leaving?: boolean }>(entry)[0]?.leaving === true;
  });
}

function readRoute(reader: Reader, keys: Keys, service: string): Written<RouteEntry> | null {
  const entry = reader.get(keys.route(service));
  if (entry === null) return null;
  const [value] = readJson<RouteEntry>(entry);
  return value === undefined ? null : { value, revision: entry.modRevision };
}

// Values that only the controller and the proxies write: their shape is theirs, their syntax is checked.
function readJson<T extends object>(entry: Entry): readonly T[] {
  return parseOnce(entry, parseObject) as readonly T[];
}

function parseObject(text: string): readonly object[] {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? [value] : [];
  } catch {
    return [];
  }
}
