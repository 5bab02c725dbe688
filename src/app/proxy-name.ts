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

/** What the latest proxy of this name says of itself; null when none lives. */
export function findRegistration(
  mirror: Mirror,
  keys: Keys,
  name: string,
): { readonly version: string | null } | null {
  const generationOf = (key: string): number => {
    const rest = key.slice(keys.proxy(name).length);
    return rest === '' ? 1 : /^\.\d+$/.test(rest) ? Number(rest.slice(1)) : 0;
  };
  const found = mirror.entries(keys.proxy(name)).filter(({ key }) => generationOf(key) > 0);
  const [latest] = found.sort((a, b) => generationOf(b.key) - generationOf(a.key));
  return latest === undefined ? null : { version: readVersion(latest.value) };
}

function readVersion(text: string): string | null {
  try {
    const value: unknown = JSON.parse(text);
    const isSaid = typeof value === 'object' && value !== null && 'version' in value;
    return isSaid && typeof value.version === 'string' ? value.version : null;
  } catch {
    return null;
  }
}
