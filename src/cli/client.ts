// A command's way to the store: opened from its flags, closed when it ends, with the checks that every command needs.
import type { Command } from 'commander';
import type { ClientConfig } from '../config.ts';
import { CLIENT_SETTINGS } from '../config-settings.ts';
import { findNearest } from '../spec/nearest.ts';
import { StoreError } from '../store/errors.ts';
import type { Keys } from '../store/keys.ts';
import { buildKeys, isServiceName } from '../store/keys.ts';
import type { Entry, Store } from '../store/port.ts';
import { CommandFailure, EXIT } from './exit.ts';
import { readCommandSettings } from './flags.ts';
import { readSnapshot } from './follow.ts';
import type { Outside } from './outside.ts';
import { listServices } from './service.ts';

export interface Client {
  readonly store: Store;
  readonly keys: Keys;
  readonly config: ClientConfig;
}

export async function withClient<T>(
  outside: Outside,
  command: Command,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const config = readCommandSettings(command, CLIENT_SETTINGS, outside.env);
  const store = await outside.openStore(config);
  try {
    return await work({ store, keys: buildKeys(config.prefix), config });
  } finally {
    await store.close();
  }
}

/** The parser of a SERVICE argument. */
export function readServiceName(name: string): string {
  if (isServiceName(name)) return name;
  throw new CommandFailure(
    EXIT.invalid,
    `SERVICE: found ${JSON.stringify(name)}, expected 1 to 40 of a-z, 0-9 and -, with no - at either end`,
  );
}

/** The service's spec key; a service without one does not exist, and near names are offered. */
export async function requireSpec({ store, keys }: Client, service: string): Promise<Entry> {
  const entry = await store.get(keys.spec(service));
  if (entry !== null) return entry;
  const known = await orWhenForbidden([], async () =>
    listServices(keys, await readSnapshot(store, keys.services)),
  );
  const nearest = findNearest(service, known);
  const hint = nearest === null ? 'create it with `slipway apply -f FILE`' : `did you mean \`${nearest}\`?`;
  const listed = known.length === 0 ? '' : ` Known services: ${known.slice(0, 20).join(', ')}.`;
  throw new CommandFailure(
    EXIT.invalid,
    `no service \`${service}\` below ${keys.services}: ${hint}${listed}`,
  );
}

/** Least privilege: whoever may not read a key gets the fallback, and the command goes on. */
export async function orWhenForbidden<T>(fallback: T, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof StoreError && error.code === 'store-forbidden') return fallback;
    throw error;
  }
}

/** Writes one key as it is, whatever it held, and returns the etcd revision of that write. */
export async function writeKey(store: Store, key: string, value: string): Promise<number> {
  const commit = await store.commit({ guards: [], puts: [{ key, value }], deletes: [] });
  if (!commit.ok) throw new CommandFailure(EXIT.failed, `${key}: not written; try again`);
  return commit.revision;
}
