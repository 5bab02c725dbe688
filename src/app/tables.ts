// What the API reads from the mirror: documents as the controller wrote them.
import type { ProxyTarget } from '../admin/api.ts';
import { Refusal } from '../admin/errors.ts';
import { listServices } from '../controller/watcher.ts';
import type { Keys } from '../store/keys.ts';
import type { Mirror } from '../store/mirror.ts';

export function readServices(mirror: Mirror, keys: Keys): readonly object[] {
  requireCopy(mirror);
  return listServices(mirror, keys).flatMap((service) => {
    const status = readService(mirror, keys, service);
    return status === null ? [] : [status];
  });
}

export function readService(mirror: Mirror, keys: Keys, service: string): object | null {
  requireCopy(mirror);
  return readDocument(mirror.get(keys.status(service))?.value);
}

/** The latest first. */
export function readHistory(mirror: Mirror, keys: Keys, service: string): readonly object[] {
  const found = [...mirror.entries(keys.histories(service))].sort((a, b) => b.modRevision - a.modRevision);
  return found.flatMap(({ value }) => readDocument(value) ?? []);
}

/** While a proxy hands over, two live at one address: it is the latest one that answers there. */
export function readTargets(mirror: Mirror, keys: Keys): readonly ProxyTarget[] {
  requireCopy(mirror);
  const latest = new Map<string, ProxyTarget>();
  const proxies = [...mirror.entries(keys.proxies)].sort((a, b) => a.createRevision - b.createRevision);
  for (const { key, value } of proxies) {
    const said = readDocument(value);
    const address = said !== null && 'addresses' in said ? readAdmin(said.addresses) : null;
    if (address !== null) latest.set(address, { id: key.slice(keys.proxies.length), address });
  }
  return [...latest.values()];
}

/** Before the first answer of etcd nobody knows what there is: that is not the same as nothing. */
function requireCopy(mirror: Mirror): void {
  if (mirror.revision === 0) throw new Refusal(503, 'store-unavailable', 'etcd has not answered yet');
}

function readAdmin(addresses: unknown): string | null {
  if (typeof addresses !== 'object' || addresses === null || !('admin' in addresses)) return null;
  return typeof addresses.admin === 'string' ? addresses.admin : null;
}

function readDocument(text: string | undefined): object | null {
  try {
    const value: unknown = JSON.parse(text ?? 'null');
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}
