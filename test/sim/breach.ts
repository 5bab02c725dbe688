// How a broken rule shows: with the end of the trace.
import type { SimWorld } from './world.ts';

export function breach(world: SimWorld, what: string): never {
  throw new Error(`${what}\n${world.tail()}`);
}
