// One replica called straight, past every proxy: what it has counted, what has come to it, and what it is to do.
import Docker from 'dockerode';

/** What the test image says of itself. */
export interface ReplicaStats {
  /** Its host name: the first twelve digits of the container's id. */
  readonly host: string;
  readonly byPath: Readonly<Record<string, number>>;
}

const PATIENCE_MS = 15_000;

/** Throws when it does not answer. */
export async function callReplica(id: string, path: string, method = 'GET'): Promise<string> {
  const { NetworkSettings } = await new Docker().getContainer(id).inspect();
  const [network] = Object.values(NetworkSettings.Networks);
  return await callAddress(`${network?.IPAddress}:8080`, path, method);
}

export async function callAddress(address: string, path: string, method = 'GET'): Promise<string> {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const response = await fetch(`http://${address}${path}`, { method, signal });
  const text = await response.text();
  if (!response.ok) throw new Error(`${address}${path} answered ${response.status}: ${text}`);
  return text;
}

export async function readStats(address: string): Promise<ReplicaStats> {
  return JSON.parse(await callAddress(address, '/stats'));
}

/** What a proxy brought: no probe, and no question of ours. */
export function countVisits({ byPath }: ReplicaStats): number {
  const own = ['/health', '/stats', '/seen'];
  const visits = Object.entries(byPath).filter(([path]) => !own.includes(path));
  return visits.reduce((sum, [, count]) => sum + count, 0);
}

/** Those of the ids of requests that have come to it. */
export async function readSeen(id: string, ids: readonly string[]): Promise<readonly string[]> {
  const query = new URLSearchParams(ids.map((each): [string, string] => ['id', each]));
  return JSON.parse(await callReplica(id, `/seen?${query}`));
}

/** As a program crashes: at once, from inside, whatever it has in hand. */
export async function crashReplica(id: string): Promise<void> {
  await callReplica(id, '/crash?code=7').catch(() => undefined);
}
