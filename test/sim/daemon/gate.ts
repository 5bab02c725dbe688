// The life of one simulated program: everything it hears from outside comes through its gate. Paused, it hears nothing
// until it goes on; dead, it hears nothing any more, so that whatever it was about to do never happens.

export class Gate {
  isAlive = true;
  #going: PromiseWithResolvers<void> | null = null;

  get isPaused(): boolean {
    return this.#going !== null;
  }

  async pass(): Promise<void> {
    while (this.#going !== null) await this.#going.promise;
    if (!this.isAlive) await new Promise(() => undefined);
  }

  kill(): void {
    this.isAlive = false;
  }

  pause(): void {
    this.#going ??= Promise.withResolvers();
  }

  goOn(): void {
    this.#going?.resolve();
    this.#going = null;
  }
}
