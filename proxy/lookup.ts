// From a host and a path to whom they belong. Immutable once built; maps only, so that its cost depends on the labels
// of the host and the depth of the paths, never on the number of routes.
//
// Precedence: an exact host, then the longest wildcard, then any host; within a host the longest path prefix, on whole
// segments. A host whose paths do not match falls through to the next.

interface PathTable<T> {
  readonly owners: Map<string, T>;
  /** Segments of the longest path: no deeper cut of a request's path can match. */
  depth: number;
}

export class Lookup<T> {
  readonly #exact = new Map<string, PathTable<T>>();
  /** By what follows `*.`. */
  readonly #wildcard = new Map<string, PathTable<T>>();
  readonly #any: PathTable<T> = { owners: new Map(), depth: 0 };

  /** The first to come keeps a host and path. */
  add(host: string, path: string, owner: T): void {
    const table = this.#tableOf(host);
    if (!table.owners.has(path)) table.owners.set(path, owner);
    table.depth = Math.max(table.depth, path === '/' ? 0 : path.split('/').length - 1);
  }

  /** Of exactly this host and path, as written in a route. */
  ownerOf(host: string, path: string): T | null {
    return this.#tableOf(host).owners.get(path) ?? null;
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

  #tableOf(host: string): PathTable<T> {
    if (host === '*') return this.#any;
    const wildcard = host.startsWith('*.');
    const tables = wildcard ? this.#wildcard : this.#exact;
    const key = wildcard ? host.slice(2) : host;
    const present = tables.get(key);
    if (present !== undefined) return present;
    const created: PathTable<T> = { owners: new Map(), depth: 0 };
    tables.set(key, created);
    return created;
  }
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
