// What operators and CI write.

import { memoryOf } from './judge.ts';
import { type Act, LAST_VERSION, type SpecText } from './plot.ts';
import { KEYS, type SimFleet } from './world.ts';

export class Operator {
  readonly #fleet: SimFleet;
  readonly #specs = new Map<string, SpecText>();

  constructor(fleet: SimFleet) {
    this.#fleet = fleet;
    for (const { name, spec } of fleet.plot.services) {
      this.#specs.set(name, { ...spec, image: `registry.test/${name}` });
      this.#apply(name);
      fleet.etcd.put(KEYS.version(name), 'v1');
    }
  }

  specOf(service: string): SpecText {
    return this.#specs.get(service) ?? { replicas: 0 };
  }

  perform(act: Act): void {
    const { etcd } = this.#fleet;
    switch (act.kind) {
      case 'release':
        this.#put(KEYS.version(act.service), act.version);
        break;
      case 'command':
        this.#command(act.service, act.to === null ? act.word : `${act.word} ${act.to}`);
        break;
      case 'weights':
        this.#put(KEYS.weights(act.service), act.weights);
        break;
      case 'freeze':
        this.#put(act.service === null ? KEYS.freeze : KEYS.serviceFreeze(act.service), act.reason);
        break;
      case 'scale':
        this.#change(act.service, { replicas: act.replicas });
        break;
      case 'respec':
        this.#change(act.service, act.change);
        break;
      case 'spoil':
        this.#put(KEYS.spec(act.service), 'replicas: [');
        break;
      case 'retire':
        this.#put(KEYS.spec(act.service), null);
        etcd.delete(KEYS.version(act.service));
        break;
    }
  }

  /** Every brake is released, every spec is whole again. */
  setFree(): void {
    const { etcd, plot } = this.#fleet;
    etcd.delete(KEYS.freeze);
    for (const { name } of plot.services) {
      for (const key of [KEYS.serviceFreeze(name), KEYS.weights(name)]) etcd.delete(key);
      const text = JSON.stringify(this.specOf(name));
      if (etcd.value(KEYS.spec(name)) !== text) this.#apply(name);
    }
  }

  /** Answers whatever waits for a word. */
  attend(): void {
    const { etcd, plot } = this.#fleet;
    for (const { name } of plot.services) {
      const { rollout } = memoryOf(etcd, name);
      const status = etcd.value(KEYS.status(name)) ?? '';
      if (rollout?.paused != null) this.#command(name, rollout.paused.by === 'failure' ? 'abort' : 'resume');
      else if (status.includes('"reason":"waiting-for-promotion"')) this.#command(name, 'promote');
    }
  }

  releaseLast(): void {
    for (const { name } of this.#fleet.plot.services) this.#put(KEYS.version(name), LAST_VERSION);
  }

  #command(service: string, words: string): void {
    this.#put(KEYS.command(service), words);
  }

  #change(service: string, change: Readonly<Record<string, unknown>>): void {
    this.#specs.set(service, { ...this.specOf(service), ...change });
    this.#apply(service);
  }

  #apply(service: string): void {
    this.#put(KEYS.spec(service), JSON.stringify(this.specOf(service)));
  }

  #put(key: string, value: string | null): void {
    const { etcd } = this.#fleet;
    this.#fleet.note(`— ${key.slice(KEYS.root.length)} ${value === null ? 'deleted' : value.slice(0, 300)}`);
    if (value === null) etcd.delete(key);
    else etcd.put(key, value);
  }
}
