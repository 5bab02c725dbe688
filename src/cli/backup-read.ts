// Reads whole prefixes out of the store, page by page and all at one etcd revision: what a backup holds, and what a
// restore finds in its place.
import { CONFIGURATION_ROOTS, classifyKey, type Keys } from '../store/keys.ts';
import type { Entry, Page, Store } from '../store/port.ts';
import type { Backup, BackupEntry } from './backup-file.ts';
import { CommandFailure, EXIT } from './exit.ts';

const PAGE = 250;

export interface Standing {
  readonly revision: number;
  /** Sorted by key; without what is under a lease, and goes with its writer. */
  readonly entries: readonly Entry[];
}

/** `at`: the etcd revision to read; null for now. */
export async function readStanding(
  store: Store,
  prefix: string,
  at: number | null = null,
): Promise<Standing> {
  const entries: Page['entries'][number][] = [];
  let revision = at;
  let from: string | null = null;
  do {
    const page: Page = await store.page({ prefix, from, revision, limit: PAGE });
    entries.push(...page.entries);
    revision = page.revision;
    from = page.next;
  } while (from !== null);
  return { revision, entries: entries.filter(({ isLeased }) => !isLeased) };
}

/** The keys of a prefix that last: no proxy and no leader, leased or not. */
export async function readPrefix(store: Store, keys: Keys): Promise<Standing> {
  const { revision, entries } = await readStanding(store, keys.root);
  const lasting = entries.filter(({ key }) => {
    const { kind } = classifyKey(keys.prefix, key);
    return kind !== 'proxy' && kind !== 'leader';
  });
  return { revision, entries: lasting };
}

/** Below all roots, without what is the prefix's own. */
export async function readConfiguration(
  store: Store,
  keys: Keys,
  at: number | null = null,
): Promise<readonly Entry[]> {
  const found: Entry[] = [];
  let revision = at;
  for (const root of CONFIGURATION_ROOTS) {
    const standing = await readStanding(store, root, revision);
    revision = standing.revision;
    found.push(...standing.entries.filter(({ key }) => !key.startsWith(keys.root)));
  }
  return found;
}

export async function readBackup(
  store: Store,
  keys: Keys,
  withConfiguration: boolean,
  created: string,
): Promise<Backup> {
  const { revision, entries } = await readPrefix(store, keys);
  const configuration = withConfiguration ? await readConfiguration(store, keys, revision) : null;
  return {
    ...{ prefix: keys.prefix, created, revision },
    entries: entries.map((entry) => toBackupEntry(entry, keys.root)),
    configuration: configuration?.map((entry) => toBackupEntry(entry, '')) ?? null,
  };
}

// The store's texts are UTF-8; other bytes came as U+FFFD, and would not come back.
function toBackupEntry({ key, value, modRevision }: Entry, root: string): BackupEntry {
  if (key.includes('\uFFFD') || value.includes('\uFFFD')) {
    const what = `${key}: found bytes that are no UTF-8 text, which this file cannot hold`;
    throw new CommandFailure(
      EXIT.failed,
      `${what}; take an \`etcdctl snapshot save\` instead, or delete the key`,
    );
  }
  return { key: key.slice(root.length), value, revision: modRevision };
}
