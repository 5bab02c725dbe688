// The containers of the fake engine and who listens to their events.
import { RuntimeFailure } from '../../deploy/errors.ts';
import type { CreateRequest, RuntimeEvent } from '../../deploy/runtime.ts';
import { type Behaviour, type FakeContainer, hasDied } from './runtime-container.ts';

export class World {
  readonly containers = new Map<string, FakeContainer>();
  readonly listeners = new Set<(event: RuntimeEvent) => void>();
  readonly #reported = new Set<string>();
  #count = 0;

  create(request: CreateRequest, behaviour: Behaviour, now: number): FakeContainer {
    const port = request.revision.settings.port;
    this.#count += 1;
    const container: FakeContainer = {
      id: this.#count.toString(16).padStart(64, '0'),
      request,
      behaviour,
      address: port === null ? null : `${this.#freeHost()}:${port}`,
      createdAt: now,
      startedAt: null,
      endedAt: null,
      endCode: null,
      error: null,
    };
    this.containers.set(container.id, container);
    return container;
  }

  // The lowest that is free, as an engine gives them: a target's name comes back.
  #freeHost(): string {
    const taken = new Set([...this.containers.values()].map(({ address }) => address?.split(':')[0]));
    for (let number = 2; ; number += 1) {
      const host = `10.0.${number >> 8}.${number & 255}`;
      if (!taken.has(host)) return host;
    }
  }

  existing({ identity, name }: CreateRequest): FakeContainer | undefined {
    return [...this.containers.values()].find(
      ({ request }) => request.name === name && request.identity.prefix === identity.prefix,
    );
  }

  named(name: string): FakeContainer {
    const found = [...this.containers.values()].find(({ request }) => request.name === name);
    if (found === undefined) throw new Error(`no container ${name} in the fake engine`);
    return found;
  }

  present(id: string): FakeContainer {
    const container = this.containers.get(id);
    if (container === undefined) throw new RuntimeFailure('missing', `no such container: ${id}`);
    return container;
  }

  end(container: FakeContainer, at: number, code: number): void {
    container.endedAt = at;
    container.endCode = code;
    this.emitFor(container, 'exit', code);
  }

  delete(container: FakeContainer): void {
    this.containers.delete(container.id);
    this.emitFor(container, 'destroy', null);
  }

  /** Emits the exits that the clock has brought about since the last look. */
  reportExits(now: number): void {
    for (const container of this.containers.values()) {
      if (!hasDied(container, now) || this.#reported.has(container.id)) continue;
      this.#reported.add(container.id);
      const { exitCode, outOfMemory = false } = container.behaviour;
      if (outOfMemory) this.emitFor(container, 'oom', null);
      this.emitFor(container, 'exit', exitCode ?? (outOfMemory ? 137 : 1));
    }
  }

  emitFor(container: FakeContainer, kind: RuntimeEvent['kind'], exitCode: number | null): void {
    this.emit({ kind, service: container.request.identity.service, containerId: container.id, exitCode });
  }

  emit(event: RuntimeEvent): void {
    for (const listener of this.listeners) listener(event);
  }
}
