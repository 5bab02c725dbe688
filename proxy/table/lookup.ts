// From a host and a path to whom they belong. Maps only, so that its cost depends on the labels of the host and the depth
// of the paths, never on the number of routes. The next table is a copy that shares what does not change.
//
// Precedence: an exact host, then the longest wildcard, then any host; within a host the longest path prefix, on whole
// segments. A host whose paths do not match falls through to the next.

interface PathTable<T> {
  readonly owners: Map<string, T>;
  /** Segments of the longest path: no deeper cut of a request's path can match. */
  depth: number;
}

export class Lookup<T> {
  readonly #exact: Map<string, PathTable<T>>;
  /** By what follows `*.`. */
  readonly #wildcard: Map<string, PathTable<T>>;
  #any: PathTable<T>;
  /** Not shared with the lookup that this one is a copy of: free to be changed. */
  readonly #own = new Set<PathTable<T>>();

  constructor(from: Lookup<T> | null = null) {
    this.#exact = new Map(from === null ? [] : from.#exact);
    this.#wildcard = new Map(from === null ? [] : from.#wildcard);
    this.#any = from === null ? { owners: new Map(), depth: 0 } : from.#any;
  }

  /** The first to come keeps a host and path. */
  add(host: string, path: string, owner: T): void {
    if (this.ownerOf(host, path) !== null) return;
    const table = this.#change(host);
    table.owners.set(path, owner);
    table.depth = Math.max(table.depth, depthOf(path));
  }

  /** Nothing happens when it belongs to somebody else. */
  remove(host: string, path: string, owner: T): void {
    if (this.ownerOf(host, path) !== owner) return;
    const table = this.#change(host);
    table.owners.delete(path);
    table.depth = Math.max(0, ...[...table.owners.keys()].map(depthOf));
    const { tables, key } = this.#placeOf(host);
    if (table.owners.size === 0) tables?.delete(key);
  }

  /** Of exactly this host and path, as written in a route. */
  ownerOf(host: string, path: string): T | null {
    const { tables, key } = this.#placeOf(host);
    const table = tables === null ? this.#any : tables.get(key);
    return table?.owners.get(path) ?? null;
  }

  /** `host` in lower case without port, `path` without query. */
  find(host: string, path: string): T | null {
    const exact = this.#exact.get(host);
    const found = exact === undefined ? null : findOwner(exact, path);
    if (found !== null) return found;
    return this.#findWildcard(host, path) ?? findOwner(this.#any, path);
  }

  /** The exact host's owner of `/`: preview hosts are kept so. */
  findHost(host: string): T | null {
    return this.#exact.get(host)?.owners.get('/') ?? null;
  }

  #findWildcard(host: string, path: string): T | null {
    if (this.#wildcard.size === 0) return null;
    for (let dot = host.indexOf('.'); dot > 0; dot = host.indexOf('.', dot + 1)) {
      const table = this.#wildcard.get(host.slice(dot + 1));
      const found = table === undefined ? null : findOwner(table, path);
      if (found !== null) return found;
    }
    return null;
  }

  /** No map for any host: that has a table of its own. */
  #placeOf(host: string): { readonly tables: Map<string, PathTable<T>> | null; readonly key: string } {
    if (host === '*') return { tables: null, key: '' };
    return host.startsWith('*.')
      ? { tables: this.#wildcard, key: host.slice(2) }
      : { tables: this.#exact, key: host };
  }

  /** The host's table, as one that may be changed. */
  #change(host: string): PathTable<T> {
    const { tables, key } = this.#placeOf(host);
    const present = tables === null ? this.#any : tables.get(key);
    if (present !== undefined && this.#own.has(present)) return present;
    const changed: PathTable<T> = { owners: new Map(present?.owners), depth: present?.depth ?? 0 };
    this.#own.add(changed);
    if (tables === null) this.#any = changed;
    else tables.set(key, changed);
    return changed;
  }
}

function depthOf(path: string): number {
  return path === '/' ? 0 : path.split('/').length - 1;
}

/** Longest first: `/a/b/c` with depth 2 asks for `/a/b`, `/a`, `/`. */
function findOwner<T>(table: PathTable<T>, path: string): T | null {
  let end = table.depth === 0 ? 0 : cutAt(path, table.depth);
  while (end > 0) {
    const owner = table.owners.get(path.slice(0, end));
    if (owner !== undefined) return owner;
    end = path.lastIndexOf('/', end - 1);
  }
  return table.owners.get('/') ?? null;
}

/** Where the first `depth` segments of the path end. */
function cutAt(path: string, depth: number): number {
  let end = 0;
  for (let segment = 0; segment < depth; segment += 1) {
    end = path.indexOf('/', end + 1);
    if (end < 0) return path.length;
  }
  return end;
}
