// How a broken rule shows: with the end of the trace.

export function breach(world: { tail(): string }, what: string): never {
  throw new Error(`${what}\n${world.tail()}`);
}
