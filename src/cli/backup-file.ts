// The file that `slipway backup` writes and `slipway restore` reads: keys relative to the prefix, each with its value and
// the etcd revision that wrote it. JSON, so that it can be read, compared and cut; see docs/etcd.md.
import { parseRecord } from '../controller/record.ts';
import { classifyKey } from '../store/keys.ts';
import { isMap, parseJson } from './documents.ts';

export const FORMAT = 'slipway-backup';
export const FORMAT_VERSION = 1;

export interface BackupEntry {
  /** Relative to the prefix; whole for configuration. */
  readonly key: string;
  readonly value: string;
  /** The etcd revision that wrote it, in the etcd that the backup is of. */
  readonly revision: number;
}

export interface Backup {
  readonly prefix: string;
  /** RFC 3339, UTC. */
  readonly created: string;
  /** The etcd revision at which all of it stood. */
  readonly revision: number;
  readonly entries: readonly BackupEntry[];
  /** Null when it was not asked for. */
  readonly configuration: readonly BackupEntry[] | null;
}

export type ParsedBackup =
  | { readonly ok: true; readonly backup: Backup }
  | { readonly ok: false; readonly problems: readonly string[] };

export function formatBackup({ prefix, created, revision, entries, configuration }: Backup): string {
  const document = {
    ...{ format: FORMAT, version: FORMAT_VERSION, created, prefix, revision },
    keys: formatEntries(entries),
    ...(configuration === null ? {} : { configuration: formatEntries(configuration) }),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

// A value that is JSON, and comes back to the byte, stands there as JSON: a person can read it.
function formatEntries(entries: readonly BackupEntry[]): object {
  const formatted = entries.map(({ key, value, revision }) => {
    const json = parseJson(value);
    const isJson = typeof json === 'object' && json !== null && JSON.stringify(json) === value;
    return [key, { revision, ...(isJson ? { json } : { text: value }) }] as const;
  });
  return Object.fromEntries(formatted);
}

/** All problems at once: where, what was found, what is expected. */
export function parseBackup(text: string): ParsedBackup {
  const whole = readJson(text);
  if (typeof whole === 'string') return { ok: false, problems: [whole] };
  if (!isMap(whole) || whole.format !== FORMAT)
    return refuse(`format: found ${show(isMap(whole) ? whole.format : whole)}, expected "${FORMAT}"`);
  if (whole.version !== FORMAT_VERSION)
    return refuse(
      `version: found ${show(whole.version)}, expected ${FORMAT_VERSION}: take the Slipway that wrote it`,
    );
  const problems = [
    ...(typeof whole.prefix === 'string' ? [] : [`prefix: found ${show(whole.prefix)}, expected a text`]),
    ...(typeof whole.created === 'string' ? [] : [`created: found ${show(whole.created)}, expected a time`]),
    ...(isRevision(whole.revision)
      ? []
      : [`revision: found ${show(whole.revision)}, expected a positive integer`]),
  ];
  const entries = readEntries(whole.keys, 'keys', problems, findProblem);
  const configuration =
    whole.configuration === undefined
      ? null
      : readEntries(whole.configuration, 'configuration', problems, findConfigurationProblem);
  if (problems.length > 0) return { ok: false, problems };
  const [prefix, created] = [String(whole.prefix), String(whole.created)];
  return { ok: true, backup: { prefix, created, revision: Number(whole.revision), entries, configuration } };
}

function readJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'string' ? 'found a text, expected a backup: a JSON document' : value;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return `found what is not JSON (${why}), expected a backup: is the file whole?`;
  }
}

function readEntries(
  map: unknown,
  name: string,
  problems: string[],
  judge: (entry: BackupEntry) => string | null,
): readonly BackupEntry[] {
  if (!isMap(map)) {
    problems.push(`${name}: found ${show(map)}, expected a map of keys`);
    return [];
  }
  return Object.entries(map).flatMap(([key, given]) => {
    const where = `${name}.${JSON.stringify(key)}`;
    const entry = readEntry(key, given);
    const problem = typeof entry === 'string' ? entry : judge(entry);
    if (problem !== null) problems.push(`${where}: ${problem}`);
    return typeof entry === 'string' ? [] : [entry];
  });
}

function readEntry(key: string, given: unknown): BackupEntry | string {
  if (!isMap(given))
    return `found ${show(given)}, expected a map with \`revision\`, and \`text\` or \`json\``;
  const { revision, text, json, ...rest } = given;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) return `found \`${unknown}\`, expected only \`revision\`, \`text\` and \`json\``;
  if (!isRevision(revision)) return `revision: found ${show(revision)}, expected a positive integer`;
  if ((text === undefined) === (json === undefined)) return 'expected either `text` or `json`';
  if (json !== undefined) return { key, value: JSON.stringify(json), revision };
  return typeof text === 'string'
    ? { key, value: text, revision }
    : `text: found ${show(text)}, expected a text`;
}

function findProblem({ key, value }: BackupEntry): string | null {
  if (key === '' || key.startsWith('/'))
    return 'expected a key relative to the prefix, such as `services/web/spec`';
  const { kind } = classifyKey('', `/${key}`);
  if (kind === 'proxy' || kind === 'leader')
    return 'lives under a lease and belongs to a program that runs: take it out of the file';
  if (kind === 'rollout' && parseRecord(value) === null)
    return 'is not a record of the controller: take it out of the file, and the service begins anew';
  return null;
}

function findConfigurationProblem({ key }: BackupEntry): string | null {
  return key.startsWith('/') ? null : 'expected a whole key, such as `/app/web/LEVEL`';
}

function refuse(problem: string): ParsedBackup {
  return { ok: false, problems: [problem] };
}

function show(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 60);
}

function isRevision(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
}
