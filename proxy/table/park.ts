// Where the requests of one service wait while none of its targets can take them. Keeps no request itself and reads no
// body: what the client sends meanwhile waits in its own socket.
//
// INVARIANTS
// - Those who waited go in waves: a herd would bury the first replica that is ready. As one of them ends the next goes;
//   where they take long, as streams do, another wave follows all the same.
// - While no target takes a connection one guest at a time tries again, for all: a target that is down must not be
//   buried by those who wait for it. Once one gets through the others go in waves.
// - Whoever stays has a timer of its own, so nobody waits longer than it said.

/** How many of those who waited may be under way at once before the others have to wait for them. */
export const WAVE = 64;
const WAVE_EVERY_MS = 250;

/** Wakes in order of arrival. A stay ends by `wakeAll`, by its time, or by `leave`. */
export class ParkingLot {
  readonly #stays = new Map<object, { readonly wake: () => void; readonly timer: NodeJS.Timeout }>();
  readonly #underWay = new Set<object>();
  #waves: NodeJS.Timeout | null = null;
  #trial: NodeJS.Timeout | null = null;
  #isUnreachable = false;

  get size(): number {
    return this.#stays.size;
  }

  /** Resolves when it is worth another look; the guest looks for itself. */
  stay(guest: object, ms: number): Promise<void> {
    this.#underWay.delete(guest);
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.leave(guest), ms);
      this.#stays.set(guest, { wake: resolve, timer });
    });
  }

  leave(guest: object): void {
    const stay = this.#stays.get(guest);
    if (stay === undefined) return;
    this.#stays.delete(guest);
    clearTimeout(stay.timer);
    stay.wake();
  }

  /** The guest's request has ended, however it did: the next one goes in its place. */
  depart(guest: object): void {
    if (this.#underWay.delete(guest)) this.#admit(1);
  }

  /** No target took a connection: one guest is to try again. */
  tryIn(ms: number): void {
    this.#isUnreachable = true;
    this.#trial ??= setTimeout(() => {
      this.#trial = null;
      this.#admit(1);
    }, ms).unref();
  }

  /** A target takes connections after all. */
  tellReachable(): void {
    if (!this.#isUnreachable) return;
    this.#isUnreachable = false;
    this.wakeAll();
  }

  wakeAll(): void {
    this.#admit(WAVE - this.#underWay.size);
    if (this.#waves !== null || this.size === 0) return;
    this.#waves = setInterval(() => {
      this.#admit(WAVE);
      if (this.size > 0 || this.#waves === null) return;
      clearInterval(this.#waves);
      this.#waves = null;
    }, WAVE_EVERY_MS).unref();
  }

  #admit(count: number): void {
    const next = this.#stays.keys();
    for (let admitted = 0; admitted < count; admitted += 1) {
      const { value: guest } = next.next();
      if (guest === undefined) return;
      this.#underWay.add(guest);
      this.leave(guest);
    }
  }
}
