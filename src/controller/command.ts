// How a command is given, by whomever: one at a time; only `abort` goes over one that still waits.
import type { Store } from '../store/port.ts';

export type CommandGiven =
  | { readonly ok: true; readonly revision: number }
  /** Nothing was written: `waiting` is there, and nobody has answered it yet. */
  | { readonly ok: false; readonly waiting: string };

/** `text` is what the key holds: `promote`, `rollback 7`. */
export async function putCommand(
  store: Pick<Store, 'commit' | 'get'>,
  key: string,
  text: string,
): Promise<CommandGiven> {
  const guards = text === 'abort' ? [] : [{ key, modRevision: 0 }];
  const commit = await store.commit({ guards, puts: [{ key, value: text }], deletes: [] });
  if (commit.ok) return { ok: true, revision: commit.revision };
  return { ok: false, waiting: (await store.get(key))?.value.trim() ?? 'another command' };
}
