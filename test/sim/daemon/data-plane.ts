// The data plane of one simulated proxy, behind the real link: it applies whole tables a while after they come, answers
// with what it has applied, and finishes the requests of targets that left its table a while after that.
import type { Acknowledgement, TableSink, TableUpdate } from '../../../proxy/control.ts';
import { identify } from '../../../strategies/world.ts';
import type { ProxyPlot } from './plot.ts';
import type { VirtualTime } from './virtual-time.ts';

interface Entry {
  readonly targets?: readonly { readonly revision: number; readonly address: string }[];
}

export class DataPlane implements TableSink {
  readonly faults = { isHanging: false, isRefusing: false, slowMs: 0 };
  readonly #time: VirtualTime;
  readonly #plot: ProxyPlot;
  readonly #busy = new Map<string, number>();
  #tables: Readonly<Record<string, unknown>> = {};
  /** The last update, refused entries included. */
  #told: Readonly<Record<string, unknown>> = {};
  #applied = 0;
  #refused: Readonly<Record<string, string>> = {};
  #onChange: () => void = () => undefined;
  #going: PromiseWithResolvers<void> | null = null;
  #drains = 0;

  constructor(time: VirtualTime, plot: ProxyPlot) {
    this.#time = time;
    this.#plot = plot;
  }

  onChange(listener: () => void): void {
    this.#onChange = listener;
  }

  acknowledgement(): Acknowledgement {
    const busy = Object.fromEntries([...this.#busy.keys()].map((target) => [target, 2]));
    return { applied: this.#applied, busy, refused: this.#refused };
  }

  async apply({ version, services }: TableUpdate): Promise<Acknowledgement> {
    await this.#time.sleep(this.#plot.appliesAfterMs + this.faults.slowMs);
    if (this.faults.isHanging) await this.#untilRecovered();
    const refused: Record<string, string> = {};
    const tables: Record<string, unknown> = {};
    for (const [service, entry] of Object.entries(services)) {
      const isSame = JSON.stringify(entry) === JSON.stringify(this.#tables[service]);
      if (this.faults.isRefusing && !isSame) refused[service] = 'routes: not a list';
      tables[service] = service in refused ? this.#tables[service] : entry;
    }
    this.#told = services;
    this.#swap(tables);
    this.#applied = version;
    this.#refused = refused;
    return this.acknowledgement();
  }

  disturb(faults: Partial<typeof this.faults>): void {
    Object.assign(this.faults, faults);
  }

  /** All faults are over. */
  recover(): void {
    Object.assign(this.faults, { isHanging: false, isRefusing: false, slowMs: 0 });
    this.#going?.resolve();
    this.#going = null;
    if (Object.keys(this.#refused).length === 0) return;
    this.#refused = {};
    this.#swap(this.#told);
    this.#onChange();
  }

  #untilRecovered(): Promise<void> {
    this.#going ??= Promise.withResolvers();
    return this.#going.promise;
  }

  names(service: string, target: string): boolean {
    return listTargets(this.#tables[service]).includes(target);
  }

  isBusy(target: string): boolean {
    return this.#busy.has(target);
  }

  #swap(tables: Readonly<Record<string, unknown>>): void {
    const before = Object.values(this.#tables).flatMap(listTargets);
    const after = new Set(Object.values(tables).flatMap(listTargets));
    this.#tables = tables;
    for (const target of after) this.#busy.delete(target);
    for (const target of before) if (!after.has(target)) this.#drain(target);
  }

  #drain(target: string): void {
    const { drainsAfterMs } = this.#plot;
    if (drainsAfterMs === 0) return;
    this.#drains += 1;
    const mine = this.#drains;
    this.#busy.set(target, mine);
    this.#time.after(drainsAfterMs, () => {
      if (this.#busy.get(target) !== mine) return;
      this.#busy.delete(target);
      this.#onChange();
    });
  }
}

function listTargets(entry: unknown): readonly string[] {
  return ((entry as Entry | undefined)?.targets ?? []).map((t) => identify(t.revision, t.address));
}
