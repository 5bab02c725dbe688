// docs/api.md names each request, command and event there is, and no other.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { COMMANDS } from '../../../src/spec/command.ts';
import { call, startWorld } from './world.ts';

const ROOT = new URL('../../../', import.meta.url);

function read(path: string): string {
  return readFileSync(new URL(path, ROOT), 'utf8');
}

const page = read('docs/api.md');
const documented = [...page.matchAll(/^\| `(GET|POST) (\/\S+)` \|/gm)].map(([, method, path]) => ({
  method: String(method),
  path: String(path),
}));

function listRoutes(): readonly string[] {
  const sources = readdirSync(new URL('src/admin/', ROOT)).map((name) => read(`src/admin/${name}`));
  return sources.flatMap((text) =>
    [...text.matchAll(/server\.(get|post|put|patch|delete)(?:<.*>)?\('([^']+)'/g)].map(
      ([, method, path]) => `${method?.toUpperCase()} ${path?.replace(':name', 'NAME')}`,
    ),
  );
}

describe('docs/api.md', () => {
  test('names every request', () => {
    const routes = listRoutes();
    expect(routes.length).toBeGreaterThan(5);
    expect(documented.map(({ method, path }) => `${method} ${path}`).sort()).toEqual([...routes].sort());
  });

  test.each(documented.filter(({ path }) => !path.endsWith('/events')))(
    '$method $path is there',
    async ({ method, path }) => {
      const server = await startWorld();
      try {
        const reply = await call(server.address, path.replace('NAME', 'web'), {
          method,
          headers: { authorization: 'Bearer open-sesame', 'content-type': 'application/json' },
          ...(method === 'POST' ? { body: '{"command":"promote"}' } : {}),
        });
        expect(reply.status).toBe(method === 'POST' ? 202 : 200);
      } finally {
        await server.close();
      }
    },
  );

  test('names every event', () => {
    const kinds = [...read('src/telemetry/events.ts').matchAll(/kind: '([a-z-]+)'/g)].map(([, kind]) => kind);
    const section = /## Events\n(.*?)\n## /s.exec(page)?.[1] ?? '';
    const told = [...section.matchAll(/`([a-z]+-[a-z-]+)`/g)].map(([, kind]) => kind);
    expect(kinds.length).toBeGreaterThan(5);
    expect([...new Set(told)].sort()).toEqual([...new Set(kinds)].sort());
  });

  test('names every command', () => {
    const words = /Commands: (.*?)\.\n/s.exec(page)?.[1] ?? '';
    const told = [...words.matchAll(/`([a-z]+)`/g)].map(([, word]) => word);
    expect(told.sort()).toEqual([...COMMANDS].sort());
  });
});
