// The known name that a mistyped one was most likely meant to be.

/** null when nothing is near enough: more than a third of the letters would have to change. */
export function findNearest(name: string, known: readonly string[]): string | null {
  const plain = simplify(name);
  let best: { readonly name: string; readonly distance: number } | null = null;
  for (const candidate of known) {
    const distance = computeDistance(plain, simplify(candidate));
    if (distance <= Math.max(1, Math.floor(plain.length / 3)) && distance < (best?.distance ?? Infinity)) {
      best = { name: candidate, distance };
    }
  }
  return best?.name ?? null;
}

/** `maxSurge`, `max-surge` and `max_surge` are one spelling. */
function simplify(name: string): string {
  return name.toLowerCase().replace(/[-_\s]/g, '');
}

/** Edits (insert, delete, replace, swap of neighbours) between two texts: optimal string alignment. */
function computeDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replace = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swap = swapped ? (before[j - 2] ?? 0) + 1 : Infinity;
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, replace, swap));
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}
