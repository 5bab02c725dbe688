// A test runner for Stryker: the tests of the core in Stryker's own process, one block after the other until one fails.
// Vitest would start a worker and load every file for each of thousands of mutants; here they are loaded once.
import { globSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { declareClassPlugin, PluginKind } from '@stryker-mutator/api/plugin';
import {
  type DryRunResult,
  DryRunStatus,
  determineHitLimitReached,
  type MutantRunOptions,
  type MutantRunResult,
  type TestResult,
  type TestRunner,
  type TestRunnerCapabilities,
  TestStatus,
  toMutantRunResult,
} from '@stryker-mutator/api/test-runner';
import fc from 'fast-check';
import { type Block, collectBlocks } from './blocks.ts';

const FILES = 'test/strategies/*.test.ts';

/** What the mutated sources look at. */
interface Switches {
  activeMutant?: string | undefined;
  currentTestId?: string | undefined;
  hitCount?: number | undefined;
  hitLimit?: number | undefined;
  mutantCoverage?: { static: Record<string, number>; perTest: Record<string, Record<string, number>> };
}

class BlockRunner implements TestRunner {
  readonly #switches: Switches = {};
  #blocks: readonly Block[] | null = null;
  #generation = 0;

  capabilities(): TestRunnerCapabilities {
    return { reloadEnvironment: true };
  }

  async init(): Promise<void> {
    Object.assign(globalThis, { __stryker__: this.#switches });
    const standIn = pathToFileURL(resolve(import.meta.dirname, 'blocks.ts')).href;
    const sandbox = `${pathToFileURL(process.cwd()).href}/`;
    registerHooks({
      resolve: (specifier, context, next) => {
        const isOurs = context.parentURL?.startsWith(sandbox) === true;
        if (isOurs && specifier === 'vitest') return { url: standIn, shortCircuit: true };
        const found = next(specifier, context);
        // A module is loaded once in a process, by its address: another address loads it anew.
        return found.url.startsWith(sandbox) ? { ...found, url: `${found.url}?${this.#generation}` } : found;
      },
    });
  }

  async dryRun(): Promise<DryRunResult> {
    const tests = (await this.#load()).map((block) => {
      this.#switches.currentTestId = block.id;
      const result = judge(block);
      this.#switches.currentTestId = undefined;
      return result;
    });
    const { mutantCoverage } = this.#switches;
    return { status: DryRunStatus.Complete, tests, ...(mutantCoverage && { mutantCoverage }) };
  }

  async mutantRun(options: MutantRunOptions): Promise<MutantRunResult> {
    const { activeMutant, hitLimit, mutantActivation, reloadEnvironment, testFilter } = options;
    this.#switches.activeMutant = mutantActivation === 'static' ? activeMutant.id : undefined;
    const blocks = reloadEnvironment ? await this.#reload() : await this.#load();
    Object.assign(this.#switches, { activeMutant: activeMutant.id, hitCount: 0, hitLimit });
    const tests = judgeUntilFailed(
      testFilter === undefined ? blocks : blocks.filter(({ id }) => testFilter.includes(id)),
    );
    this.#switches.activeMutant = undefined;
    const timedOut = determineHitLimitReached(this.#switches.hitCount, hitLimit);
    return toMutantRunResult(timedOut ?? { status: DryRunStatus.Complete, tests });
  }

  #reload(): Promise<readonly Block[]> {
    this.#blocks = null;
    this.#generation += 1;
    return this.#load();
  }

  async #load(): Promise<readonly Block[]> {
    this.#blocks ??= await loadBlocks();
    return this.#blocks;
  }
}

async function loadBlocks(): Promise<readonly Block[]> {
  const load = (path: string): Promise<unknown> => import(pathToFileURL(resolve(path)).href);
  await load('test/support/seed.ts');
  // A case that fails is not made small: that it fails is all there is to know.
  fc.configureGlobal({ ...fc.readConfigureGlobal(), endOnFailure: true });
  const blocks: Block[] = [];
  for (const path of globSync(FILES).toSorted())
    blocks.push(...(await collectBlocks(path, () => load(path))));
  return blocks;
}

function judgeUntilFailed(blocks: readonly Block[]): TestResult[] {
  const results: TestResult[] = [];
  for (const block of blocks) {
    const result = judge(block);
    results.push(result);
    if (result.status === TestStatus.Failed) break;
  }
  return results;
}

function judge(block: Block): TestResult {
  const begun = performance.now();
  const of = { id: block.id, name: block.id, fileName: resolve(block.file) };
  try {
    block.run();
    return { ...of, status: TestStatus.Success, timeSpentMs: performance.now() - begun };
  } catch (error) {
    const failureMessage = error instanceof Error ? error.message : String(error);
    return { ...of, status: TestStatus.Failed, failureMessage, timeSpentMs: performance.now() - begun };
  }
}

export const strykerPlugins = [declareClassPlugin(PluginKind.TestRunner, 'blocks', BlockRunner)];
