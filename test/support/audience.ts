// Long streams on the replicas of one service, so that each of them has something in hand when it has to go.

import type { LoadTarget } from '../../scripts/load-exchange.ts';
import { type Stream, type StreamReport, startEvents } from '../../scripts/load-streams.ts';
import { waitFor } from './wait.ts';

/** The proxy sends each to the replica that has least: more than a few for each are never needed. */
const MOST = 30;

export class Audience {
  readonly #target: LoadTarget;
  readonly #streams: Stream[] = [];
  /** Those that end by themselves, and are never closed from here. */
  readonly #finite: readonly Stream[];

  constructor(target: LoadTarget, streams: readonly Stream[] = [], finite: readonly Stream[] = []) {
    this.#target = target;
    this.#streams.push(...streams);
    this.#finite = finite;
  }

  /** Opens event streams until each of these containers has a stream that runs. */
  async cover(containers: readonly { readonly id: string }[]): Promise<void> {
    const isCovered = ({ id }: { readonly id: string }) => this.#openOn(id).length > 0;
    await this.#untilTheyRun();
    while (!containers.every(isCovered)) {
      if (this.#streams.length >= MOST) throw new Error(`${MOST} streams, and not one on each replica`);
      this.#streams.push(startEvents(this.#target));
      await this.#untilTheyRun();
    }
  }

  /** How many are open on the replica. */
  countOn(replica: string): number {
    return [...this.#openOn(replica), ...this.#finite.filter((each) => isOn(each, replica))].length;
  }

  async closeOn(replica: string): Promise<void> {
    await Promise.all(this.#openOn(replica).map((stream) => stream.close()));
  }

  /** Closes what is open; what became of all, the finite ones when they have ended. */
  async end(): Promise<readonly StreamReport[]> {
    const closed = this.#streams.map((stream) => stream.close());
    return await Promise.all([...this.#finite.map(({ ended }) => ended), ...closed]);
  }

  #openOn(container: string): readonly Stream[] {
    return this.#streams.filter((stream) => isOn(stream, container));
  }

  async #untilTheyRun(): Promise<void> {
    const all = [...this.#streams, ...this.#finite];
    await waitFor('the streams to run', () => all.every((stream) => stream.received() > 0));
  }
}

/** A container's id begins with the name that its replica gives itself. */
function isOn(stream: Stream, container: string): boolean {
  const replica = stream.replica();
  return stream.isOpen() && replica !== null && replica !== '' && container.startsWith(replica);
}
