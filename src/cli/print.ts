// What a command that is done says: a line for people, or one JSON document alone.
import type { Outside } from './outside.ts';

export interface Said {
  readonly text: string;
  readonly document: object;
}

export function printSaid({ out }: Outside, output: 'text' | 'json', { text, document }: Said): void {
  out.write(`${output === 'json' ? JSON.stringify(document, null, 2) : text}\n`);
}
