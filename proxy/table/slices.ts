// Long work in slices, so that a request that comes meanwhile waits for one of them and not for the whole.
import { setImmediate } from 'node:timers/promises';

/** Work that others may come between, wherever it yields. */
export type Steps<T> = Generator<undefined, T, undefined>;

/** A request waits for one slice in each of its turns of the event loop: for its head, for a target's answer. */
const SLICE_MS = 1;

/** To its end, in the turn of the caller where that takes no longer than a slice. */
export async function runInSlices<T>(steps: Steps<T>, sliceMs = SLICE_MS): Promise<T> {
  for (;;) {
    const until = performance.now() + sliceMs;
    do {
      const step = steps.next();
      if (step.done === true) return step.value;
    } while (performance.now() < until);
    await setImmediate();
  }
}
