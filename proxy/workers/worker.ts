// Several worker processes that serve one port as one proxy: the primary holds the table and hands it out, passes them
// the connections in turn, answers for all of them, and replaces those that die. It reads no traffic itself.
//
// INVARIANTS
// - A worker gets connections only once it has the table in force.
// - What is acknowledged holds for every worker that serves: the lowest version, the sum of what is busy.
import cluster from 'node:cluster';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { AccessRecord } from '../access.ts';
import { AddressBook, addressOf } from '../clients/addresses.ts';
import type { Patience } from '../clients/listener.ts';
import type { Acknowledgement, TableSink, TableUpdate } from '../control.ts';
import { countRefusals, type ProxyStats, type Refusal } from '../counters.ts';
import { ProxyFailure } from '../failure.ts';
import { Router } from '../table/router.ts';
import type { Certificate } from '../tls/certificate.ts';
import { keepCounters, keepLiving, mergeStats } from './aggregate.ts';
import type { LocalOptions } from './local.ts';
import { type Arrival, Member } from './member.ts';

/** Between the death of a worker and its successor; doubled while successors die before they serve. */
const RESPAWN_MS = 100;
const RESPAWN_MAX_MS = 5_000;
const POLL_MS = 5;
/** As many as all workers together take by default; while they are slow to take them nobody is turned away before. */
const MAX_ARRIVALS = 20_000;

export class Crew implements TableSink {
  readonly sink: TableSink = this;
  /** Checks and remembers the tables; no request ever asks it. */
  readonly #book = new Router();
  readonly #options: LocalOptions;
  readonly #size: number;
  readonly #onProblem: (problem: string) => void;
  readonly #onAccess: (record: AccessRecord) => void;
  readonly #members = new Set<Member>();
  readonly #listeners: (() => void)[] = [];
  /** Accepted, and not passed on yet. */
  readonly #arrivals: Arrival[] = [];
  /** Of all workers together; null without a limit. */
  readonly #addresses: AddressBook | null;
  readonly #respawns = new Set<NodeJS.Timeout>();
  #update: TableUpdate | null = null;
  #certificates: readonly Certificate[] = [];
  #left: ProxyStats | null = null;
  /** Here, before any worker had them. */
  readonly #refused = countRefusals(() => 0);
  #deaths = 0;
  #stopping = false;

  constructor(
    options: LocalOptions,
    size: number,
    onProblem: (problem: string) => void,
    onAccess: (record: AccessRecord) => void = () => undefined,
  ) {
    const { maxConnections, maxConnectionsPerAddress, ...others } = options;
    this.#options = {
      ...others,
      ...(maxConnections === undefined ? {} : { maxConnections: Math.ceil(maxConnections / size) }),
    };
    this.#addresses =
      maxConnectionsPerAddress === undefined ? null : new AddressBook(maxConnectionsPerAddress);
    this.#size = size;
    this.#onProblem = onProblem;
    this.#onAccess = onAccess;
  }

  entries(): TableUpdate['services'] {
    return this.#book.entries();
  }

  /** All workers have it when this resolves; one that does not answer is killed. */
  async apply(update: TableUpdate): Promise<Acknowledgement> {
    const { applied } = await this.#book.apply(update);
    if (applied === update.version) {
      this.#update = update;
      await Promise.all([...this.#members].map((member) => member.apply(update)));
    }
    this.#announce();
    return this.acknowledgement();
  }

  acknowledgement(): Acknowledgement {
    const own = this.#book.acknowledgement();
    const all = [...this.#members].flatMap((member) => member.acknowledgement ?? []);
    const busy: Record<string, number> = {};
    for (const { busy: some } of all) {
      for (const [target, count] of Object.entries(some)) busy[target] = (busy[target] ?? 0) + count;
    }
    let refused = own.refused;
    for (const each of all) refused = { ...refused, ...each.refused };
    return { applied: Math.min(own.applied, ...all.map(({ applied }) => applied)), busy, refused };
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Resolves when all workers can take connections. */
  async open(): Promise<void> {
    const extension = import.meta.filename.endsWith('.ts') ? 'ts' : 'js';
    cluster.setupPrimary({
      exec: fileURLToPath(new URL(`./worker-main.${extension}`, import.meta.url)),
      // As the program itself is started: see its first line. Nothing else of it is for the workers.
      execArgv: ['--max-semi-space-size=8'],
      args: [],
    });
    for (let count = 0; count < this.#size; count += 1) this.#spawn();
    try {
      await Promise.all([...this.#members].map((member) => member.serving));
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new ProxyFailure('worker-failed', `The workers did not start: ${why}`, { cause });
    }
  }

  async stats(): Promise<ProxyStats> {
    const members = [...this.#members].filter((member) => member.acknowledgement !== null);
    await Promise.all(members.map((member) => member.readStats()));
    const living = mergeStats(members.flatMap((member) => member.lastStats ?? []));
    const all = this.#left === null ? living : mergeStats([living, keepLiving(this.#left, living)]);
    return { ...all, refused: countRefusals((reason) => all.refused[reason] + this.#refused[reason]) };
  }

  useCertificates(certificates: readonly Certificate[]): void {
    this.#certificates = certificates;
    for (const member of this.#members) member.useCertificates(certificates);
  }

  take(socket: Socket, isSecure: boolean): void {
    const isCounted = this.#addresses !== null;
    const isKnown = isCounted && this.#options.proxyProtocol !== true;
    const address = isKnown ? addressOf(socket) : null;
    if (this.#arrivals.length >= MAX_ARRIVALS) this.#refuse(socket, 'limit');
    else if (address !== null && this.#addresses?.enter(address) === false)
      this.#refuse(socket, 'address-limit');
    else {
      this.#arrivals.push({ socket, isSecure, isCounted, address });
      this.#passOn();
    }
  }

  #refuse(socket: Socket, reason: Refusal): void {
    this.#refused[reason] += 1;
    socket.destroy();
  }

  sayClose(): void {
    for (const member of this.#members) member.sayClose();
  }

  /** How many connections there are the workers know: the time is waited for. */
  async settle(ms: number): Promise<void> {
    await sleep(ms);
  }

  async drain(patience: Patience): Promise<void> {
    while (this.#members.size > 0 && this.#isPassingOn()) await sleep(POLL_MS);
    this.#stopping = true;
    for (const timer of this.#respawns) clearTimeout(timer);
    for (const { socket } of this.#arrivals.splice(0)) socket.destroy();
    await Promise.all([...this.#members].map((member) => member.drain(patience)));
  }

  #isPassingOn(): boolean {
    return this.#arrivals.length > 0 || [...this.#members].some(({ isTaking }) => isTaking);
  }

  /** In turn, among those that are free. */
  #passOn(): void {
    while (this.#arrivals.length > 0) {
      const member = [...this.#members].find(({ isFree }) => isFree);
      const arrival = member === undefined ? undefined : this.#arrivals.shift();
      if (member === undefined || arrival === undefined) return;
      this.#members.delete(member);
      this.#members.add(member);
      member.take(arrival);
    }
  }

  #spawn(): void {
    const start = () =>
      ({
        kind: 'start',
        options: this.#options,
        update: this.#update,
        certificates: this.#certificates,
      }) as const;
    const member = new Member(cluster.fork(), start, {
      onChange: () => this.#announce(),
      onFree: () => this.#passOn(),
      onNamed: (address) => this.#addresses?.enter(address) !== false,
      onLeft: (address) => this.#addresses?.leave(address),
      onProblem: this.#onProblem,
      onAccess: this.#onAccess,
      onExit: (gone) => this.#replace(gone),
    });
    this.#members.add(member);
    member.serving.then(
      () => {
        this.#deaths = 0;
      },
      () => undefined,
    );
  }

  #replace(gone: Member): void {
    this.#members.delete(gone);
    if (this.#stopping) return;
    this.#onProblem('A worker has ended; another takes its place.');
    const { lastStats } = gone;
    if (lastStats !== null)
      this.#left = mergeStats([...(this.#left === null ? [] : [this.#left]), keepCounters(lastStats)]);
    const timer = setTimeout(
      () => {
        this.#respawns.delete(timer);
        this.#spawn();
      },
      Math.min(RESPAWN_MAX_MS, RESPAWN_MS * 2 ** this.#deaths),
    );
    this.#respawns.add(timer);
    this.#deaths += 1;
    this.#announce();
  }

  #announce(): void {
    for (const listener of this.#listeners) listener();
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
