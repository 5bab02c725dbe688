// Our own write, as it comes back through the watch.
import type { Mirror } from '../store/mirror.ts';

/** Longest wait for it. */
const ECHO_TIMEOUT_MS = 5_000;

/** Resolves when the mirror has seen `revision`, or after a while: then the next pass loses its transaction and reads again. */
export async function reachRevision(mirror: Mirror, revision: number): Promise<void> {
  if (mirror.revision >= revision) return;
  const reached = Promise.withResolvers<void>();
  const stop = mirror.onChange(() => {
    if (mirror.revision >= revision) reached.resolve();
  });
  const timer = setTimeout(() => reached.resolve(), ECHO_TIMEOUT_MS);
  if (mirror.revision >= revision) reached.resolve();
  await reached.promise;
  clearTimeout(timer);
  stop();
}
