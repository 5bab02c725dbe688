// A key's value is parsed once per write of it: the mirror keeps an entry until another takes its place. What comes of it
// is shared by all who ask, so nobody may change it.
import type { Entry } from '../store/port.ts';

const parsed = new WeakMap<Entry, unknown>();

/** A key is always parsed in the same way. */
export function parseOnce<T>(entry: Entry, parse: (text: string) => T): T {
  if (parsed.has(entry)) return parsed.get(entry) as T;
  const value = parse(entry.value);
  parsed.set(entry, value);
  return value;
}
