// What a request through our proxy costs, beside nginx, HAProxy, Caddy and http-proxy: everybody before the same
// backends, on the same core, in turn. Ends what it starts, also when it is told to end.
import { join, resolve } from 'node:path';
import { printLine } from './figures.ts';
import { startBackends } from './proxy/backends.ts';
import { moveHere, type Placement, planCores, readAllowedCores } from './proxy/cores.ts';
import { countProxyCores, planTasks, type Task } from './proxy/course.ts';
import { describeMachine, readLoadAverage } from './proxy/machine.ts';
import { type Options, parseOptions, USAGE } from './proxy/options.ts';
import { type Place, usePlace, withReleases } from './proxy/place.ts';
import { prepare, watchForEnd } from './proxy/prepare.ts';
import { printResult } from './proxy/report.ts';
import { type Measured, writeReport } from './proxy/report-file.ts';
import type { Session } from './proxy/rounds.ts';

const ROOT = resolve(import.meta.dirname, '..');
const REPORT = '.slipway/bench-proxy.json';

export async function benchProxy(args: readonly string[]): Promise<void> {
  const options = readOptions(args);
  if (options === null) return;
  const signal = watchForEnd();
  await prepare();
  await usePlace(signal, (place) => measure(place, options));
}

function readOptions(args: readonly string[]): Options | null {
  try {
    return parseOptions(args);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}\n`);
    process.exitCode = 2;
    return null;
  }
}

async function measure(place: Place, options: Options): Promise<void> {
  const placement = planCores(readAllowedCores(), countProxyCores(options));
  moveHere(placement.load);
  const { rounds, seconds } = options;
  const circumstances = {
    ...{ date: new Date().toISOString(), machine: await describeMachine(), placement },
    ...{ rounds, secondsPerRound: seconds },
  };
  printLine(describeCircumstances(circumstances.machine.cpu, placement, options));
  await withReleases(async (releases) => {
    const backends = await startBackends(place, placement.load, releases);
    const session = { place, backends, cores: placement.proxy, rounds, seconds };
    const results: Measured[] = [];
    for (const task of planTasks(options)) {
      const measured = await measureTask(task, session);
      if (measured === null) continue;
      results.push(measured);
      await writeReport(join(ROOT, REPORT), circumstances, results);
    }
  });
  printLine(`\nEvery sample is in ${REPORT}.`);
}

/** Null when it failed, which is said and makes the bench fail: the others have their figures all the same. */
async function measureTask({ name, measure }: Task, session: Session): Promise<Measured | null> {
  try {
    const result = await measure(session);
    const loadAverage = readLoadAverage();
    printResult(result);
    printLine(`N = ${session.rounds}; ${session.seconds} s each; load average ${loadAverage.toFixed(2)}`);
    return { ...result, loadAverage };
  } catch (error) {
    session.place.signal.throwIfAborted();
    process.stderr.write(`\n${name} has no figures: ${describeCauses(error)}\n`);
    process.exitCode = 1;
    return null;
  }
}

function describeCauses(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${describeCauses(error.cause)}`;
}

function describeCircumstances(cpu: string, { proxy, load, isShared }: Placement, options: Options): string {
  const where = isShared
    ? `Proxy, load and backends share the cores ${load}: what one takes the others lack.`
    : `The proxy has core ${proxy} to itself, load and backends have ${load}.`;
  const what = options.isOfWorkers ? 'Ours with one worker and with two.' : `Ours beside its peers.`;
  return `${what} ${cpu}. ${where}`;
}
