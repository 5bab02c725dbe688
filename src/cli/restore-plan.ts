// A backup and what stands in its place → what is to be written, in which order. Pure.
//
// INVARIANTS: whoever dies in the middle leaves nothing that a controller could take for a wish
// - a service gets its spec and its record in one transaction, after everything that the record speaks of: with the
//   record alone it would be retired, with the spec alone released anew
// - what stands is first made a service that has neither, which a controller reports and leaves alone
// - a service that the backup does not know loses its spec and keeps its record, so that it is retired in order

import { classifyKey, type KeyShape, type Keys } from '../store/keys.ts';
import type { Entry } from '../store/port.ts';
import type { Backup, BackupEntry } from './backup-file.ts';
import { renumberHistory, renumberRecord, type Writes } from './restore-record.ts';

/** Full key → the etcd revision at which this restore has written it. */
export type Landed = ReadonlyMap<string, number>;

export type Operation =
  | { readonly kind: 'put'; readonly key: string; readonly value: (landed: Landed) => string }
  | { readonly kind: 'delete'; readonly key: string };

/** One transaction's worth at least: its operations land together. */
export type Group = readonly Operation[];

export interface RestorePlan {
  /** One after the other. */
  readonly stages: readonly (readonly Group[])[];
  /** Keys of the backup that are not written, relative, with the reason. */
  readonly leftOut: readonly { readonly key: string; readonly why: string }[];
  readonly restored: readonly string[];
  /** Services that the backup does not know: a controller retires them. */
  readonly retired: readonly string[];
}

interface Scene {
  readonly keys: Keys;
  readonly wanted: ReadonlyMap<string, BackupEntry>;
  readonly standing: ReadonlySet<string>;
  readonly restored: readonly string[];
  readonly retired: readonly string[];
}

/** `standing` may hold keys only where the backup is to take their place. */
export function planRestore(keys: Keys, backup: Backup, standing: readonly Entry[]): RestorePlan {
  const all = backup.entries.map((entry) => ({ ...entry, key: `${keys.root}${entry.key}` }));
  const leftOut = all.flatMap(({ key, value }) => {
    const why = excuse(classifyKey(keys.prefix, key), value);
    return why === null ? [] : [{ key: key.slice(keys.root.length), why }];
  });
  const wanted = new Map(
    [
      ...all.filter(({ key, value }) => excuse(classifyKey(keys.prefix, key), value) === null),
      ...(backup.configuration ?? []),
    ].map((entry) => [entry.key, entry]),
  );
  const there = standing.map(({ key }) => key);
  const restored = listServices(keys, [...wanted.keys()]);
  const retired = listServices(keys, there).filter((service) => !restored.includes(service));
  const scene = { keys, wanted, standing: new Set(there), restored, retired };
  const stages = [planClearing(scene), planFilling(scene), planBeginning(scene), planLeaving(scene)];
  return { stages, leftOut, restored, retired };
}

function excuse({ kind }: KeyShape, value: string): string | null {
  if (kind === 'status') return 'the controller writes it anew';
  if (kind !== 'command') return null;
  return `\`${value.trim()}\` was a word for that moment: give it again if it still holds`;
}

/** Services with a spec or a record: what a controller looks at. */
function listServices(keys: Keys, names: readonly string[]): readonly string[] {
  const services = names.flatMap((key) => {
    const shape = classifyKey(keys.prefix, key);
    return shape.kind === 'spec' || shape.kind === 'rollout' ? [shape.service] : [];
  });
  return [...new Set(services)].sort();
}

function planClearing({ keys, standing, restored }: Scene): readonly Group[] {
  return restored.map((service) =>
    deleteThose(standing, [
      keys.spec(service),
      keys.rollout(service),
      keys.status(service),
      keys.command(service),
    ]),
  );
}

function planFilling({ keys, wanted, standing, retired }: Scene): readonly Group[] {
  const puts = [...wanted.values()].flatMap(({ key, value }): readonly Group[] => {
    const { kind } = classifyKey(keys.prefix, key);
    if (kind === 'spec' || kind === 'rollout') return [];
    return [[{ kind: 'put', key, value: () => (kind === 'history' ? renumberHistory(value) : value) }]];
  });
  const stale = [...standing].filter((key) => !wanted.has(key) && !isOfRetired(keys, key, retired));
  return [...stale.map((key): Group => [{ kind: 'delete', key }]), ...puts];
}

function isOfRetired(keys: Keys, key: string, retired: readonly string[]): boolean {
  const shape = classifyKey(keys.prefix, key);
  return 'service' in shape && shape.service !== null && retired.includes(shape.service);
}

function planBeginning({ keys, wanted, restored }: Scene): readonly Group[] {
  return restored.map((service) => {
    const [spec, record] = [wanted.get(keys.spec(service)), wanted.get(keys.rollout(service))];
    const [version, weights] = [keys.version(service), keys.weights(service)];
    const was = readWrites(wanted.get(version)?.revision, wanted.get(weights)?.revision);
    const group: Operation[] = [];
    if (spec) group.push({ kind: 'put', key: spec.key, value: () => spec.value });
    if (record) {
      const value = (landed: Landed): string =>
        renumberRecord(record.value, was, readWrites(landed.get(version), landed.get(weights)));
      group.push({ kind: 'put', key: record.key, value });
    }
    return group;
  });
}

function readWrites(version: number | undefined, weights: number | undefined): Writes {
  return { version: version ?? null, weights: weights ?? null };
}

/** What a person wrote for it goes, what the controller wrote is for the controller to retire it by. */
function planLeaving({ keys, standing, wanted, retired }: Scene): readonly Group[] {
  return retired.map((service) => {
    const theirs = [
      keys.spec(service),
      keys.version(service),
      keys.weights(service),
      keys.command(service),
      keys.serviceFreeze(service),
    ];
    return deleteThose(
      standing,
      theirs.filter((key) => !wanted.has(key)),
    );
  });
}

function deleteThose(standing: ReadonlySet<string>, keys: readonly string[]): Group {
  return keys.filter((key) => standing.has(key)).map((key): Operation => ({ kind: 'delete', key }));
}
