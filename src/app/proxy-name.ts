// What a proxy is called below the prefix: one name for the place, and a number behind it for each successor in it.
import { hostname } from 'node:os';
import type { ProxyConfig } from '../config.ts';
import type { Keys } from '../store/keys.ts';
import type { Mirror } from '../store/mirror.ts';

/** The same for the proxy itself and for whoever looks for it. */
export function nameProxy(config: {
  readonly http: ProxyConfig['http'];
  readonly id?: string | null;
}): string {
  return config.id ?? `${hostname()}-${config.http.port}`;
}

/** While one hands over to the next both live, and both are to be waited for. */
export function nameGeneration(name: string, generation: number): string {
  return generation === 1 ? name : `${name}.${generation}`;
}

export interface ProxyWord {
  /** Null for one that knows no hand-over. */
  readonly version: string | null;
  readonly started: string;
}

/** What the latest proxy of this name says of itself; null when none lives. One that was killed is listed for a while. */
export function findRegistration(mirror: Mirror, keys: Keys, name: string): ProxyWord | null {
  const own = keys.proxy(name);
  const words = mirror
    .entries(own)
    .filter(({ key }) => /^(\.\d+)?$/.test(key.slice(own.length)))
    .map(({ value }) => readWord(value));
  return words.sort((a, b) => b.started.localeCompare(a.started))[0] ?? null;
}

function readWord(text: string): ProxyWord {
  const said = readFields(text);
  const version = typeof said.version === 'string' ? said.version : null;
  return { version, started: typeof said.started === 'string' ? said.started : '' };
}

/** A key is anybody's who may write it: what is not a proxy's says nothing. */
function readFields(text: string): { readonly version?: unknown; readonly started?: unknown } {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}
