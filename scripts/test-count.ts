// A vitest reporter that counts what was executed and writes it to the file that TEST_COUNT_FILE names. A module
// that was queued but ended without a result (its worker died), and an error outside any test, count as failed.
import { writeFileSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';

export interface TestCount {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** One line for each thing that counts as failed without being a failed test. */
  readonly problems: readonly string[];
}

export default class TestCountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly { readonly message: string }[]): void {
    const path = process.env.TEST_COUNT_FILE;
    if (path !== undefined) writeFileSync(path, JSON.stringify(countTests(modules, errors)));
  }
}

type CountedModule = Pick<TestModule, 'relativeModuleId' | 'ok' | 'errors' | 'children'>;

export function countTests(
  modules: readonly CountedModule[],
  errors: readonly { readonly message: string }[],
): TestCount {
  const states = modules.flatMap((module) =>
    [...module.children.allTests()].map((test) => test.result().state),
  );
  const of = (state: string): number => states.filter((each) => each === state).length;
  const problems = [
    ...errors.map((error) => `error outside any test: ${error.message}`),
    ...modules.flatMap((module) => describeModule(module)),
  ];
  return { passed: of('passed'), failed: of('failed') + problems.length, skipped: of('skipped'), problems };
}

function describeModule(module: CountedModule): string[] {
  const tests = [...module.children.allTests()];
  const name = module.relativeModuleId;
  if (module.errors().length > 0) return [`${name}: ${module.errors()[0]?.message ?? 'failed to load'}`];
  if (tests.length === 0) return [`${name}: holds no test, or its worker died before it ran`];
  const pending = tests.filter((test) => test.result().state === 'pending').length;
  return pending === 0 ? [] : [`${name}: ${pending} tests never ended; its worker died?`];
}
