// The port between the data plane and whoever feeds it: whole tables in, acknowledgements out. Knows no etcd, no file.
import type { RouteEntry } from './table/table.ts';

/** Services by name. `version` is the revision up to which it is complete; it never goes back while a proxy lives. */
export interface TableUpdate {
  readonly version: number;
  /** Not yet validated: an entry that does not parse is refused by itself, its former one stays. */
  readonly services: Readonly<Record<string, unknown>>;
}

/** What a proxy answers: the version applied, retired targets still busy (`<revision>@<address>` → in-flight requests), refusals. */
export interface Acknowledgement {
  readonly applied: number;
  readonly busy: Readonly<Record<string, number>>;
  readonly refused: Readonly<Record<string, string>>;
}

/** Implemented by the proxy. `apply` swaps in one assignment and returns after every worker has it. */
export interface TableSink {
  apply(update: TableUpdate): Promise<Acknowledgement>;
  acknowledgement(): Acknowledgement;
  /** Called whenever `acknowledgement()` would answer something new; at once, without waiting for a timer. */
  onChange(listener: () => void): void;
}

export type { RouteEntry };
