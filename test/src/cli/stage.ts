// A stage for one command: an etcd in memory, captured output, a Ctrl-C at hand, and a controller made of rules.
import type { Outside, Session, Sink } from '../../../src/cli/outside.ts';
import { runProgram } from '../../../src/cli/program.ts';
import { StoreError } from '../../../src/store/errors.ts';
import { buildKeys, type Keys } from '../../../src/store/keys.ts';
import type { Change, Store } from '../../../src/store/port.ts';
import { FakeRuntime } from '../../fakes/runtime.ts';
import { FakeEtcd } from '../../fakes/store.ts';
import { NOW } from './views.ts';

export interface Ran {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
}

export class Stage {
  readonly etcd = new FakeEtcd();
  readonly keys: Keys = buildKeys('/slipway');
  readonly runtime = new FakeRuntime();
  readonly files = new Map<string, string>();
  readonly env: Record<string, string> = {};
  /** Aborting it is Ctrl-C. */
  readonly interrupt = new AbortController();
  /** What was printed so far. */
  out = '';
  err = '';
  isTerminal = false;
  /** What the user's role grants; everything by default. */
  mayRead: (key: string) => boolean = () => true;

  addService(service = 'web', spec = 'image: shop/web\nport: 8080\n'): void {
    this.etcd.put(this.keys.spec(service), spec);
  }

  async run(...args: readonly string[]): Promise<Ran> {
    this.out = '';
    this.err = '';
    const exit = await runProgram(args, this.outside(), '1.2.3');
    return { exit, out: this.out, err: this.err };
  }

  /** Calls the rule whenever the key is put, a turn later, as a controller would. A cut ends it, too. */
  async onPut(key: string, rule: (change: Change) => void): Promise<void> {
    await this.etcd.connect().watch(key, this.etcd.revision + 1, {
      onChanges: (changes) => {
        for (const change of changes) if (change.kind === 'put') setImmediate(() => rule(change));
      },
      onLost: () => undefined,
    });
  }

  putJson(key: string, value: unknown): void {
    this.etcd.put(key, JSON.stringify(value));
  }

  outside(): Outside {
    return {
      env: this.env,
      out: this.#sink((text) => {
        this.out += text;
      }),
      err: this.#sink((text) => {
        this.err += text;
      }),
      signal: this.interrupt.signal,
      now: () => NOW,
      readText: async (path) => {
        const text = this.files.get(path);
        if (text === undefined) throw new Error(`ENOENT: no such file, open '${path}'`);
        return text;
      },
      writeText: async (path, text) => {
        this.files.set(path, text);
      },
      openStore: async () => this.#restrict(this.etcd.connect()),
      openRuntime: async () => this.runtime,
      runDaemon: async (config) => {
        this.out += JSON.stringify(config);
      },
      runProxy: async (config) => {
        this.out += JSON.stringify(config);
      },
    };
  }

  #restrict(store: Store): Store {
    const check = (key: string) => {
      if (!this.mayRead(key)) throw new StoreError('store-forbidden', `${key}: permission denied`);
    };
    return {
      list: async (prefix) => {
        check(prefix);
        return store.list(prefix);
      },
      page: async (request) => {
        check(request.prefix);
        return store.page(request);
      },
      get: async (key) => {
        check(key);
        return store.get(key);
      },
      watch: async (prefix, from, listener) => {
        check(prefix);
        return store.watch(prefix, from, listener);
      },
      commit: (transaction) => store.commit(transaction),
      grantLease: (ttlMs) => store.grantLease(ttlMs),
      close: () => store.close(),
    };
  }

  #sink(write: (text: string) => void): Sink {
    return { isTerminal: this.isTerminal, terminal: null, columns: 100, write };
  }
}

/** For what only looks at the program and runs nothing. */
export function openSession(): Session {
  return { ...new Stage().outside(), exitCode: 0 };
}
