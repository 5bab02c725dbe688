// The order in which files of tests are taken up: those that last longest first, so that none of them is left over at the
// end and runs alone. How long a file lasts has little to do with its size, by which vitest would sort.
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** From a run of all: minutes first. */
const LONGEST = [
  ...['e2e/rolling', 'e2e/blue-green', 'e2e/canary', 'e2e/recreate', 'faults/outage', 'faults/crash-points'],
  ...['e2e/stack', 'e2e/demo', 'faults/releases', 'faults/leadership', 'e2e/world', 'planted/planted'],
].map((name) => `test/${name}.test.ts`);

export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => rankOf(a) - rankOf(b));
  }
}

function rankOf({ moduleId }: TestSpecification): number {
  const at = LONGEST.findIndex((name) => moduleId.endsWith(name));
  return at < 0 ? LONGEST.length : at;
}
