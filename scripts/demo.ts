// The main job on real input: four services, one for each strategy, under load while v2 takes over and a broken v3 is
// sent back. Ends by itself, leaves nothing, and says in its last line how many requests there were and how many failed.
import { setTimeout as sleep } from 'node:timers/promises';
import type { FinishedDocument, StatusDocument } from '../src/cli/documents.ts';
import { openScreen, type Row, type Screen } from './demo-screen.ts';
import { DemoService, SERVICES } from './demo-services.ts';
import { type Stage, StageBuilder } from './demo-stage.ts';
import type { LoadReport } from './load.ts';

const DRAW_MS = 500;
/** Of one act; a rollout ends by its own deadline long before. */
const ACT_TIMEOUT_MS = 240_000;
const INTERRUPTED = 130;

interface Verdicts {
  released: number;
  rolledBack: number;
  readonly surprises: string[];
}

async function main(): Promise<number> {
  const screen = openScreen(process.stdout);
  const interruption = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => interruption.abort(new Error(`interrupted by ${signal}`)));
  }
  // Whoever read our words has gone, as `| head` does.
  process.stdout.on('error', () => interruption.abort(new Error('interrupted: nobody reads any more')));
  const began = performance.now();
  const builder = new StageBuilder();
  const verdicts: Verdicts = { released: 0, rolledBack: 0, surprises: [] };
  let services: readonly DemoService[] = [];
  try {
    const stage = await setUp(screen, builder, interruption.signal);
    services = SERVICES.map((name) => new DemoService(stage, name));
    await play(screen, services, verdicts, interruption.signal);
  } catch (error) {
    const cause = interruption.signal.aborted ? interruption.signal.reason : error;
    verdicts.surprises.push(cause instanceof Error ? cause.message : String(cause));
  }
  const reports = await Promise.all(services.map((service) => service.stopLoad()));
  screen.say('Taking everything away again: daemon, proxy, etcd, containers, images.');
  verdicts.surprises.push(...(await builder.takeDown()));
  return conclude(screen, reports, verdicts, {
    seconds: Math.round((performance.now() - began) / 1000),
    isInterrupted: interruption.signal.aborted,
  });
}

async function setUp(screen: Screen, builder: StageBuilder, signal: AbortSignal): Promise<Stage> {
  screen.say('Building three images of a small web service: v1, v2, and v3, which is broken: eight seconds');
  screen.say('after its start its health check answers 503.');
  await builder.buildImages(signal);
  const stage = await builder.startDaemon(signal);
  screen.say(`Started: slipway serve, with an etcd of its own at ${stage.etcd}`);
  screen.say(
    `         its proxy at http://127.0.0.1:${stage.httpPort}, its metrics and API at :${stage.adminPort}`,
  );
  return stage;
}

async function play(
  screen: Screen,
  services: readonly DemoService[],
  verdicts: Verdicts,
  signal: AbortSignal,
): Promise<void> {
  screen.say('\n1. Four services with three replicas each; the key `version` is set to v1.');
  for (const service of services) await service.apply();
  verdicts.released += await act(screen, services, 'v1', 'succeeded', verdicts, signal);
  for (const service of services) service.startLoad();
  screen.say('\n2. Requests run now, 50 a second to each. `version` is set to v2, and traffic moves:');
  screen.say(
    '   recreate    stops v1, then starts v2; requests wait in the proxy meanwhile, none is refused',
  );
  screen.say('   rolling     exchanges one replica at a time');
  screen.say('   blue-green  brings v2 up in full beside v1, then takes all traffic over in one moment');
  screen.say('   canary      gives v2 10 % for four seconds, then 50 %, then all');
  screen.say('   Each watches v2 for twelve seconds more before it lets v1 go for good.\n');
  verdicts.released += await act(screen, services, 'v2', 'succeeded', verdicts, signal);
  screen.say(
    '\n3. `version` is set to v3. It looks well at first, then its health check fails: each goes back to v2.\n',
  );
  verdicts.rolledBack += await act(screen, services, 'v3', 'rolled-back', verdicts, signal);
  await explain(screen, services);
}

/** Releases one version everywhere and shows it to the end; returns how many ended as they should. */
async function act(
  screen: Screen,
  services: readonly DemoService[],
  version: string,
  expected: FinishedDocument['outcome'],
  verdicts: Verdicts,
  signal: AbortSignal,
): Promise<number> {
  const requests = await Promise.all(
    services.map(async (service) => ({ service, requested: await service.release(version) })),
  );
  const deadline = performance.now() + ACT_TIMEOUT_MS;
  for (;;) {
    const ended = await Promise.all(requests.map(({ service, requested }) => service.finished(requested)));
    screen.draw(await Promise.all(services.map((service, i) => readRow(service, ended[i] ?? null))));
    if (ended.every((each) => each !== null)) return judge(ended, expected, verdicts);
    if (performance.now() > deadline) throw new Error(`${version} did not come to an end in time`);
    await sleep(DRAW_MS, undefined, { signal });
  }
}

function judge(
  ended: readonly (FinishedDocument | null)[],
  expected: FinishedDocument['outcome'],
  verdicts: Verdicts,
): number {
  for (const each of ended) {
    if (each === null || each.outcome === expected) continue;
    verdicts.surprises.push(`${each.id}: ${each.outcome} instead of ${expected}: ${each.message}`);
  }
  return ended.filter((each) => each?.outcome === expected).length;
}

async function readRow(service: DemoService, ended: FinishedDocument | null): Promise<Row> {
  const status = await service.status();
  const shares = service.report() === null ? sharesOf(status) : service.measureShares();
  const text = ended === null ? (status?.message ?? '') : `${ended.version}: ${ended.outcome}`;
  return { name: service.name, shares, text, waiting: service.report()?.inFlight ?? 0 };
}

// Before there is any load: as the table has it.
function sharesOf(status: StatusDocument | null): Readonly<Record<string, number>> {
  const roles = [status?.stable, status?.candidate].filter((role) => role != null);
  return Object.fromEntries(
    roles.filter(({ weight }) => weight.effective > 0).map((role) => [role.version, role.weight.effective]),
  );
}

async function explain(screen: Screen, services: readonly DemoService[]): Promise<void> {
  screen.settle();
  screen.say('\nWhat the status of each says now, evidence included:');
  for (const service of services) {
    const status = await service.status();
    const [evidence] = status?.last?.evidence ?? [];
    screen.say(`  ${service.name.padEnd(11)}${status?.stable?.version} runs; ${status?.last?.message ?? ''}`);
    if (evidence?.log.length)
      screen.say(`${' '.repeat(13)}last log line of ${evidence.replica}: ${evidence.log.at(-1)}`);
  }
  screen.say(
    'The digest of v3 is in quarantine: set the key again, and it is refused until `slipway retry`.\n',
  );
}

function conclude(
  screen: Screen,
  reports: readonly LoadReport[],
  { released, rolledBack, surprises }: Verdicts,
  { seconds, isInterrupted }: { readonly seconds: number; readonly isInterrupted: boolean },
): number {
  const requests = reports.reduce((sum, report) => sum + report.requests, 0);
  const failures = reports.flatMap((report) => report.failures);
  for (const { at, host, what, reason } of failures.slice(0, 20)) {
    process.stderr.write(`failed at ${new Date(at).toISOString()}: ${what} of ${host}: ${reason}\n`);
  }
  for (const surprise of surprises) process.stderr.write(`demo: ${surprise}\n`);
  const rest = `${released} releases succeeded, ${rolledBack} rolled back, in ${seconds} s`;
  screen.say(`demo: ${requests} requests, ${failures.length} failed, ${rest}`);
  if (isInterrupted) return INTERRUPTED;
  return failures.length + surprises.length === 0 ? 0 : 1;
}

process.exit(await main());
