// A release stack: what was opened last is closed first; several failures become one.

export class Releases {
  readonly #stack: { readonly name: string; readonly release: () => Promise<void> | void }[] = [];

  add(name: string, release: () => Promise<void> | void): void {
    this.#stack.push({ name, release });
  }

  async close(): Promise<void> {
    const failures: Error[] = [];
    for (let entry = this.#stack.pop(); entry !== undefined; entry = this.#stack.pop()) {
      try {
        await entry.release();
      } catch (error) {
        failures.push(new Error(`${entry.name} did not close`, { cause: error }));
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'not everything closed');
  }
}
