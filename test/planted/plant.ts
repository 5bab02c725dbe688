// One defect in the source that a file of ours is loaded from: what is on the disk stays as it is.
import { join, resolve } from 'node:path';
import { DEFECTS, type Defect } from './defects.ts';

export const ROOT = resolve(import.meta.dirname, '../..');

/** The name of the defect to plant. */
export const VARIABLE = 'PLANTED_DEFECT';

export function readDefect(): Defect {
  const name = process.env[VARIABLE];
  const defect = DEFECTS.find((each) => each.name === name);
  if (defect === undefined) throw new Error(`there is no defect called ${name}`);
  return defect;
}

/** The source with the defect in it; null for every other file. */
export function plant({ file, find, replace }: Defect, path: string, source: string): string | null {
  if (path !== join(ROOT, file)) return null;
  const parts = source.split(find);
  if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} of: ${find}`);
  return parts.join(replace);
}
