// Which service has which host and path, and which preview host: each belongs to one. Decides nothing about who comes
// first. The next claims are a copy that shares what does not change.
import { Lookup } from './lookup.ts';
import type { Service } from './service.ts';
import type { ServiceEntry } from './table.ts';

/** What an entry asks for. */
export type Asked = Pick<ServiceEntry, 'routes' | 'preview'>;

export class Claims {
  readonly routes: Lookup<Service>;
  readonly previews: Lookup<Service>;

  constructor(from: Claims | null = null) {
    this.routes = new Lookup(from === null ? null : from.routes);
    this.previews = new Lookup(from === null ? null : from.previews);
  }

  /** Gives the service what nobody else has of it. */
  grant({ routes, preview }: Asked, service: Service): void {
    for (const { host, path } of routes) this.routes.add(host, path, service);
    if (preview !== null && preview.host !== null) this.previews.add(preview.host, '/', service);
  }

  release({ routes, preview }: Asked, service: Service): void {
    for (const { host, path } of routes) this.routes.remove(host, path, service);
    if (preview !== null && preview.host !== null) this.previews.remove(preview.host, '/', service);
  }

  /** Of what the service has it keeps what its next entry asks for, too. */
  narrow(service: Service, next: Asked): void {
    if (isSame(service.entry, next)) return;
    const kept = this.#heldOf(service, next);
    this.release(service.entry, service);
    this.grant(kept, service);
  }

  /** Null when all of it is free, or that service's own. */
  findConflict(asked: Asked, name: string): string | null {
    const isOther = (owner: Service | null): owner is Service => owner !== null && owner.name !== name;
    for (const { host, path } of asked.routes) {
      const owners = [this.routes.ownerOf(host, path), path === '/' ? this.previews.findHost(host) : null];
      const other = owners.find(isOther);
      if (other !== undefined) return `route ${host}${path} belongs to ${other.name}`;
    }
    const preview = asked.preview?.host ?? null;
    if (preview === null) return null;
    const other = [this.previews.findHost(preview), this.routes.ownerOf(preview, '/')].find(isOther);
    return other === undefined ? null : `preview host ${preview} belongs to ${other.name}`;
  }

  #heldOf(service: Service, { routes, preview }: Asked): Asked {
    const host = preview?.host ?? null;
    return {
      routes: routes.filter((route) => this.routes.ownerOf(route.host, route.path) === service),
      preview: host !== null && this.previews.findHost(host) === service ? preview : null,
    };
  }
}

function isSame(a: Asked, b: Asked): boolean {
  return (
    (a.preview?.host ?? null) === (b.preview?.host ?? null) &&
    a.routes.length === b.routes.length &&
    a.routes.every(({ host, path }, index) => {
      const other = b.routes[index];
      return other !== undefined && other.host === host && other.path === path;
    })
  );
}
