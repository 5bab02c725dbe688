// Who is to be told once of what happens to a message: cheaper than an emitter for the few that there are.

export class Listeners {
  #all: (() => void)[] | null = null;

  add(listener: () => void): void {
    this.#all ??= [];
    this.#all.push(listener);
  }

  remove(listener: () => void): void {
    const place = this.#all?.indexOf(listener) ?? -1;
    if (place >= 0) this.#all?.splice(place, 1);
  }

  tell(): void {
    const all = this.#all;
    this.#all = null;
    if (all !== null) for (const listener of all) listener();
  }
}
