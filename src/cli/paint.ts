// Colour, for a terminal that may have it: never in a pipe, and not where NO_COLOR says no.
import picocolors from 'picocolors';
import type { Outside, Sink } from './outside.ts';

export type Paint = ReturnType<typeof picocolors.createColors>;

export function paintFor({ env }: Outside, sink: Sink): Paint {
  return picocolors.createColors(sink.isTerminal && !env.NO_COLOR && env.TERM !== 'dumb');
}
