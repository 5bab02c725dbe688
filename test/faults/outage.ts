// An outage as a story: something that Slipway stands on breaks in the middle of a rollout, under load, and comes back.
// Each returns what should not have been, and figures.
import { setTimeout as sleep } from 'node:timers/promises';
import { type LoadFailure, startLoad } from '../../scripts/load.ts';
import { Service, type ServiceOptions } from '../support/service.ts';
import type { Slipway } from '../support/slipway.ts';
import { REPOSITORY } from '../support/versions.ts';
import { waitFor } from '../support/wait.ts';

export interface Outage {
  readonly name: string;
  /** Its like is sampled already: not part of every run of the tests. */
  readonly isSpared?: true;
  /** `isFull`: as long and as often as it is meant to be; else a sample that takes seconds. */
  run(isFull: boolean): Promise<OutageReport>;
}

export interface OutageReport {
  readonly problems: readonly string[];
  /** Through the proxy, from before the outage until after it. */
  readonly requests: number;
  readonly figures: Readonly<Record<string, number | string>>;
}

const PER_SECOND = 50;
const PATIENT = { timeoutMs: 150_000, intervalMs: 100 };

/** A rolling release of two replicas, quick, unless said otherwise. */
export function describeService(options: Partial<ServiceOptions> = {}): ServiceOptions {
  const spec = { replicas: 2, drain_timeout: '5s', ...options.spec };
  const tuning = { monitor: '300ms', min_ready: '0s', progress_deadline: '10m', ...options.tuning };
  return { image: REPOSITORY, strategy: options.strategy ?? 'rolling', spec, tuning };
}

/** A canary that stops at a third of the traffic until somebody says `promote`. */
export const HALTING: Partial<ServiceOptions> = {
  strategy: 'canary',
  tuning: { steps: [{ weight: 34 }, { pause: 'manual' }] },
};

/** What a story looks at, and what it finds. */
export class Scene {
  readonly slipway: Slipway;
  readonly service: Service;
  readonly problems: string[] = [];
  readonly figures: Record<string, number | string> = {};
  readonly #windows: { readonly from: number; to: number }[] = [];

  constructor(slipway: Slipway, options: ServiceOptions) {
    this.slipway = slipway;
    this.service = new Service(slipway, options);
  }

  expect(what: string, found: unknown, wanted: unknown): void {
    const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)];
    if (a !== b) this.problems.push(`${what}: ${a}, not ${b}`);
  }

  /** While nothing runs that could serve: what fails then is counted, and no problem. */
  async withoutAnybody<T>(during: () => Promise<T>): Promise<T> {
    const window = { from: Date.now(), to: Number.POSITIVE_INFINITY };
    this.#windows.push(window);
    const result = await during();
    window.to = Date.now();
    return result;
  }

  isExcused({ sentAt, at }: LoadFailure): boolean {
    return this.#windows.some(({ from, to }) => sentAt < to && at > from);
  }

  /** What `/readyz` of the daemon says of one thing that is missing, or is a warning. */
  async untilSaid(what: string, words: RegExp): Promise<void> {
    const isSaid = async () => words.test((await this.#readReadiness())[what] ?? '');
    await waitFor(`/readyz to say ${words} of ${what}`, isSaid, PATIENT);
  }

  /** Resolves with how long it took, in milliseconds. */
  async untilReady(): Promise<number> {
    const begun = performance.now();
    const isReady = async () => (await fetch(this.#readyUrl)).ok;
    await waitFor('the daemon to be ready', isReady, PATIENT);
    return Math.round(performance.now() - begun);
  }

  async untilWaiting(): Promise<void> {
    await this.service.until('the canary to wait', ({ reason }) => reason === 'waiting-for-promotion');
  }

  /** Says `promote`, and how long the rest took. */
  async promote(requested: number): Promise<void> {
    await this.service.command('promote');
    await this.expectEnd(requested);
  }

  async expectEnd(requested: number, outcome = 'succeeded'): Promise<void> {
    const begun = performance.now();
    this.expect('the outcome', (await this.service.finish(requested)).outcome, outcome);
    await this.service.until('rest', ({ rollout }) => rollout === null);
    this.figures.endedMs = Math.round(performance.now() - begun);
  }

  async explain(): Promise<string> {
    const { stdout, stderr } = await this.slipway.cli('explain', this.service.name);
    return `${stdout}${stderr}`;
  }

  async metric(name: string): Promise<string | undefined> {
    const text = await (await fetch(`http://127.0.0.1:${this.slipway.ports.admin}/metrics`)).text();
    return text
      .split('\n')
      .find((line) => line.startsWith(`${name} `))
      ?.split(' ')[1];
  }

  /** Which containers stand, by id. */
  async standing(): Promise<readonly string[]> {
    return (await this.service.containers()).map(({ id, state }) => `${id.slice(0, 12)} ${state}`).sort();
  }

  async describeFailure(error: unknown): Promise<string> {
    const status = await this.slipway.status(this.service.name).catch(String);
    const standing = await this.standing().catch(String);
    return [error, JSON.stringify(status), standing, this.slipway.log().slice(-4_000)].map(String).join('\n');
  }

  get #readyUrl(): string {
    return `http://127.0.0.1:${this.slipway.ports.admin}/readyz`;
  }

  async #readReadiness(): Promise<Record<string, string>> {
    const { missing = {}, warnings = {} } = JSON.parse(await (await fetch(this.#readyUrl)).text());
    return { ...missing, ...warnings };
  }
}

/** Brings v1 up, lets the story happen under load, and closes everything whatever became of it. */
export async function play(
  open: () => Promise<{ readonly slipway: Slipway; close(): Promise<void> }>,
  options: ServiceOptions,
  story: (scene: Scene) => Promise<void>,
): Promise<OutageReport> {
  const { slipway, close } = await open();
  const scene = new Scene(slipway, options);
  let load: ReturnType<typeof startLoad> | null = null;
  try {
    await scene.service.stand('v1');
    load = startLoad({ ...scene.service.target, perSecond: PER_SECOND });
    await story(scene);
    await sleep(500);
  } catch (error) {
    scene.problems.push(await scene.describeFailure(error));
  }
  const sent = await load?.stop();
  await close();
  const all = sent?.failures ?? [];
  const failures = all.filter((failure) => !scene.isExcused(failure));
  const words = failures.slice(0, 20).map(({ what, reason }) => `${what}: ${reason}`);
  const excused = all.length - failures.length;
  const figures = { ...scene.figures, ...(excused > 0 ? { excused } : {}), failed: failures.length };
  return { problems: [...scene.problems, ...words], requests: sent?.requests ?? 0, figures };
}

/** `etcd down: 2134 requests, 0 failed; endedMs 812` */
export function describeReport(name: string, { requests, figures, problems }: OutageReport): string {
  const { failed, ...others } = figures;
  const words = Object.entries(others).map(([what, value]) => `${what} ${value}`);
  const verdict = problems.length === 0 ? 'held' : 'NOT HELD';
  return `${name}: ${verdict}; ${requests} requests, ${failed} failed; ${words.join(', ')}`;
}
