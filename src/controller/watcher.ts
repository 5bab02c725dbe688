// Key names that changed → services that are due. Reads nothing but the names; what we wrote ourselves wakes nobody.
import { classifyKey, type Keys } from '../store/keys.ts';
import type { Mirror } from '../store/mirror.ts';

export interface WatcherOptions {
  readonly mirror: Mirror;
  readonly keys: Keys;
  readonly mark: (service: string) => void;
  /** Keys below the prefix that are of no known shape; told anew whenever that set changes. */
  readonly onInvalidKeys: (
    keys: readonly { readonly key: string; readonly service: string | null }[],
  ) => void;
}

/** Returns the way to stop it. */
export function watchKeys(options: WatcherOptions): () => void {
  const { mirror, keys, mark } = options;
  return mirror.onChange((changed) => {
    let touchesShape = false;
    for (const key of changed) {
      const shape = classifyKey(keys.prefix, key);
      switch (shape.kind) {
        case 'spec':
        case 'version':
        case 'weights':
        case 'command':
        case 'service-freeze':
        case 'quarantine':
          mark(shape.service);
          break;
        case 'rollout':
        case 'status':
          if (mirror.get(key) === null) mark(shape.service);
          break;
        case 'freeze':
          for (const service of listServices(mirror, keys)) mark(service);
          break;
        case 'proxy':
          for (const service of listWaiting(mirror, keys, shape.id)) mark(service);
          break;
        case 'unknown':
          touchesShape = true;
          break;
        case 'revision':
        case 'history':
        case 'route':
        case 'leader':
          break;
      }
    }
    if (touchesShape) options.onInvalidKeys(findInvalidKeys(mirror, keys));
  });
}

/** Every service that has a spec, or that the controller remembers. */
export function listServices(mirror: Mirror, keys: Keys): readonly string[] {
  const names = new Set<string>();
  for (const { key } of mirror.entries(keys.services)) {
    if (!key.endsWith('/spec') && !key.endsWith('/rollout')) continue;
    const shape = classifyKey(keys.prefix, key);
    if (shape.kind === 'spec' || shape.kind === 'rollout') names.add(shape.service);
  }
  return [...names].sort();
}

// An acknowledgement matters to a service whose table has just changed, that has something on its way out, or whose
// table a proxy refuses or did refuse, or that does not know yet that this proxy has come or gone. All of that stands in texts; the check is on these, so that an idle service
// costs nothing.
function listWaiting(mirror: Mirror, keys: Keys, id: string): readonly string[] {
  const isHere = mirror.get(keys.proxy(id)) !== null;
  const refusals = mirror.entries(keys.proxies).map(({ value }) => value.slice(value.indexOf('"refused":')));
  return listServices(mirror, keys).filter((service) => {
    if (refusals.some((text) => text.includes(`"${service}":`))) return true;
    if (mirror.get(keys.status(service))?.value.includes('"reason":"waiting-for-proxies"')) return true;
    const record = mirror.get(keys.rollout(service))?.value ?? '';
    if (record.includes(`${JSON.stringify(id)}:null`) !== isHere) return true;
    const isAtRest = record.includes('"rollout":null') && record.includes('"draining":{}');
    return !isAtRest || mirror.get(keys.spec(service)) === null;
  });
}

export function findInvalidKeys(mirror: Mirror, keys: Keys) {
  return mirror.entries(keys.root).flatMap(({ key }) => {
    const shape = classifyKey(keys.prefix, key);
    return shape.kind === 'unknown' ? [{ key, service: shape.service }] : [];
  });
}
