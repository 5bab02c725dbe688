// Patterns for whole paths: `*` stands for any characters, `/` among them, and for none; all else for itself. Matched in
// time that grows with the path alone, whoever chose it.

/** What stands between the stars. */
export type Glob = readonly string[];

/** From the path's start, or from a star on; in ASCII, without query. */
export const GLOB = /^[/*][\x21-\x22\x24-\x3e\x40-\x7e]*$/;

export function parseGlob(text: string): Glob {
  return text.split('*');
}

export function matchesAny(globs: readonly Glob[], path: string): boolean {
  for (const glob of globs) if (matches(glob, path)) return true;
  return false;
}

function matches(glob: Glob, path: string): boolean {
  const first = glob[0] ?? '';
  const last = glob[glob.length - 1] ?? '';
  if (glob.length === 1) return path === first;
  const end = path.length - last.length;
  if (end < first.length || !path.startsWith(first) || !path.endsWith(last)) return false;
  let at = first.length;
  for (let index = 1; index < glob.length - 1; index += 1) {
    const part = glob[index] ?? '';
    const found = path.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= end;
}
