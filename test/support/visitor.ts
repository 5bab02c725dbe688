// One visitor of a service through a proxy, with headers of its own: which version answered, and which cookie it got.
import { get } from 'node:http';
import type { LoadTarget } from '../../scripts/load-exchange.ts';

export interface Visit {
  readonly status: number;
  readonly version: string | null;
  /** As set, with its attributes. */
  readonly cookie: string | null;
}

type Headers = Readonly<Record<string, string>>;

export function visit({ port, host }: LoadTarget, headers: Headers = {}, path = '/'): Promise<Visit> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path, headers: { host, ...headers }, agent: false } as const;
    const request = get(options, (response) => {
      const version = response.headers['x-version'];
      const [cookie = null] = response.headers['set-cookie'] ?? [];
      response.resume();
      response.once('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          version: typeof version === 'string' ? version : null,
          cookie,
        }),
      );
    });
    request.once('error', reject);
  });
}

/** One after the other; how often each version answered. What is no 200 is counted by its status. */
export async function countVersions(
  target: LoadTarget,
  times: number,
  headers: Headers = {},
): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {};
  for (let time = 0; time < times; time += 1) {
    const { status, version } = await visit(target, headers);
    const key = status === 200 ? (version ?? '') : String(status);
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}
