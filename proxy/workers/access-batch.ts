// The access log's records of a worker on their way to the primary, which writes them: several in one message, since each
// message costs as much as a small request.
import type { AccessRecord } from '../access.ts';

const WAIT_MS = 50;
const MAX_RECORDS = 256;

export class AccessBatch {
  readonly #send: (records: readonly AccessRecord[]) => void;
  #records: AccessRecord[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(send: (records: readonly AccessRecord[]) => void) {
    this.#send = send;
  }

  add(record: AccessRecord): void {
    const count = this.#records.push(record);
    if (count === MAX_RECORDS) this.#send(this.take());
    else this.#timer ??= setTimeout(() => this.#send(this.take()), WAIT_MS);
  }

  /** What there is, for whoever sends it at once. */
  take(): readonly AccessRecord[] {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const records = this.#records;
    this.#records = [];
    return records;
  }
}
