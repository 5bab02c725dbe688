// What is measured, in which order, by what was asked for.
import { configureSlipway } from './configs.ts';
import type { Rounds } from './figures.ts';
import { IDLE_CONNECTIONS, measureIdle } from './idle.ts';
import type { Options } from './options.ts';
import { type Contender, chooseOurs, choosePeer } from './peers.ts';
import { describeLoadColumns, IDLE_COLUMNS, type Result, SLOW_COLUMNS, SWAP_COLUMNS } from './report.ts';
import { measureScenario, type Session } from './rounds.ts';
import { MANY_ROUTES, measureRoutes, measureTable, ROUTES, TABLE } from './routes.ts';
import { SCENARIOS, type Scenario } from './scenarios.ts';
import { measureSlow, SLOW_KINDS, type SlowKind } from './slow.ts';
import { measureSwaps } from './swaps.ts';

const LARGE_TABLE_TASKS: readonly Task[] = [
  { name: TABLE.name, measure: (session) => measureLargeTable(session, TABLE, measureTable) },
  { name: ROUTES.name, measure: (session) => measureLargeTable(session, ROUTES, measureRoutes) },
  { name: 'swaps', measure: measureChanges },
];

/** The cores that what is measured gets. */
export function countProxyCores({ isOfWorkers }: Options): number {
  return isOfWorkers ? 2 : 1;
}

/** Each by its name; none depends on another one. */
export interface Task {
  readonly name: string;
  measure(session: Session): Promise<Result>;
}

export function planTasks(options: Options): Task[] {
  const contenders = options.isOfWorkers ? chooseWorkers(options) : options.peers.map(choosePeer);
  const tasks = [
    ...SCENARIOS.map((scenario) => ({
      name: scenario.name,
      measure: (session: Session) => measureLoads(session, scenario, contenders, options),
    })),
    { name: 'idle', measure: (session: Session) => measureIdleOnes(session, contenders, options) },
    ...SLOW_KINDS.map((kind) => ({
      name: kind.name,
      measure: (session: Session) => measureSlowOnes(session, kind, contenders),
    })),
    ...(options.isOfWorkers ? [] : LARGE_TABLE_TASKS),
  ];
  return tasks.filter(({ name }) => options.scenarios.includes(name));
}

function chooseWorkers({ sharePercent }: Options): Contender[] {
  return [1, 2].map((workers) =>
    chooseOurs(`${workers} worker${workers > 1 ? 's' : ''}`, configureSlipway, { workers, sharePercent }),
  );
}

async function measureLoads(
  session: Session,
  scenario: Scenario,
  contenders: readonly Contender[],
  options: Options,
): Promise<Result> {
  return {
    ...{ name: scenario.name, title: scenario.title, columns: describeLoadColumns(scenario.unit) },
    base: findBase(contenders, options),
    ratios: options.isOfWorkers ? ['cpuUs', 'perSecond'] : ['cpuUs'],
    rounds: await measureScenario(session, scenario, contenders),
  };
}

async function measureIdleOnes(
  session: Session,
  contenders: readonly Contender[],
  options: Options,
): Promise<Result> {
  return {
    ...{ name: 'idle', title: `${IDLE_CONNECTIONS} idle connections, each used once`, columns: IDLE_COLUMNS },
    ...{ base: findBase(contenders, options), ratios: ['residentMb'] },
    rounds: await measureIdle(session, contenders),
  };
}

async function measureSlowOnes(
  session: Session,
  kind: SlowKind,
  contenders: readonly Contender[],
): Promise<Result> {
  const { name, title } = kind;
  const rounds = await measureSlow(session, kind, contenders);
  return { ...{ name, title, columns: SLOW_COLUMNS, base: null, ratios: [] }, rounds };
}

async function measureLargeTable(
  session: Session,
  { name, title, unit }: Scenario,
  measure: (session: Session) => Promise<Rounds>,
): Promise<Result> {
  return {
    ...{ name, title, columns: describeLoadColumns(unit) },
    ...{ base: MANY_ROUTES.name, ratios: ['cpuUs'] },
    rounds: await measure(session),
  };
}

async function measureChanges(session: Session): Promise<Result> {
  const title = `the file with ${MANY_ROUTES.name} is replaced under one client, request after request`;
  const rounds = await measureSwaps(session);
  return { ...{ name: 'swaps', title, columns: SWAP_COLUMNS, base: null, ratios: [] }, rounds };
}

/** Ratios are ours to theirs; where ours is left out there are none. */
function findBase(contenders: readonly Contender[], { isOfWorkers }: Options): string | null {
  if (isOfWorkers) return contenders.at(-1)?.name ?? null;
  return contenders.some(({ name }) => name === 'ours') ? 'ours' : null;
}
