// Where the requests of one service wait while none of its targets can take them. Keeps no request itself and reads no
// body: what the client sends meanwhile waits in its own socket.

/** Wakes in order of arrival. A stay ends by `wakeAll`, by its time, or by `leave`. */
export class ParkingLot {
  readonly #stays = new Map<object, { readonly wake: () => void; readonly timer: NodeJS.Timeout }>();

  get size(): number {
    return this.#stays.size;
  }

  /** Resolves when it is worth another look; the guest looks for itself. */
  stay(guest: object, ms: number): Promise<void> {
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

  wakeAll(): void {
    for (const guest of [...this.#stays.keys()]) this.leave(guest);
  }
}
