// Doctor's checks of etcd: it answers, its version and health, no alarm, and the prefix may be read and written.
// Writes nothing: the permission to write is asked for by a transaction that cannot succeed.
import type { ServeConfig } from '../config.ts';
import { EMBEDDED_ENDPOINT } from '../config-files.ts';
import { StoreError } from '../store/errors.ts';
import { buildKeys } from '../store/keys.ts';
import type { Store } from '../store/port.ts';
import { draftProbe } from '../store/write-health.ts';
import { compareVersions } from './doctor-engine.ts';
import { parseJson } from './documents.ts';
import { type Finding, fail, ok, warn } from './finding.ts';
import type { Outside } from './outside.ts';

const ANSWER_MS = 5000;
const OLDEST_SAFE = '3.5.0';
const FULL_REMEDY =
  '`etcdctl compact REVISION`, `etcdctl defrag`, a larger --quota-backend-bytes if need be, then `etcdctl alarm disarm`';

export async function checkStore(outside: Outside, config: ServeConfig): Promise<Finding[]> {
  const endpoints = config.etcd === 'embedded' ? [EMBEDDED_ENDPOINT] : config.etcd;
  const store = await outside.openStore(config);
  try {
    const reached = await checkReading(store, config);
    if (reached.state !== 'ok') return [reached];
    const [servers, writing, leader] = await Promise.all([
      Promise.all(endpoints.filter((endpoint) => endpoint.startsWith('http://')).map(checkServer)),
      checkWriting(store, config.prefix),
      checkLeader(store, config.prefix),
    ]);
    return [reached, ...servers.flat(), writing, leader];
  } finally {
    await store.close();
  }
}

async function checkReading(store: Store, { etcd, prefix }: ServeConfig): Promise<Finding> {
  const check = 'etcd';
  try {
    const { entries, revision } = await store.list(`${prefix}/`);
    return ok(check, `answers; ${entries.length} keys below ${prefix}/, revision ${revision}`);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    if (error.code === 'store-forbidden' || error.code === 'store-unauthenticated') {
      return fail(check, error.message, `grant the user of --etcd-user its role on ${prefix}/`);
    }
    if (etcd !== 'embedded') return fail(check, error.message, 'start etcd, or correct --etcd');
    return warn(
      check,
      `nothing answers at ${EMBEDDED_ENDPOINT}`,
      '`slipway serve` starts an etcd of its own there',
    );
  }
}

async function checkWriting(store: Store, prefix: string): Promise<Finding> {
  const check = 'etcd permission';
  try {
    await store.commit(draftProbe(buildKeys(prefix).leader));
    return ok(check, `${prefix}/ may be written`);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    if (error.code === 'store-full') return fail('etcd space', error.message, FULL_REMEDY);
    return fail(check, error.message, `a controller needs a role with readwrite on ${prefix}/`);
  }
}

async function checkLeader(store: Store, prefix: string): Promise<Finding> {
  const leader = await store.get(buildKeys(prefix).leader);
  if (leader !== null) return ok('controller', 'one leads');
  return warn(
    'controller',
    `none leads under ${prefix}`,
    'start `slipway serve`; until then nothing that is asked for happens',
  );
}

/** Version, health and alarms, from the HTTP side of one member. */
async function checkServer(endpoint: string): Promise<Finding[]> {
  const [version, health, alarms] = await Promise.all([
    ask(endpoint, '/version'),
    ask(endpoint, '/health'),
    ask(endpoint, '/v3/maintenance/alarm', { action: 'GET' }),
  ]);
  return [
    judgeVersion(endpoint, readText(version, 'etcdserver')),
    readText(health, 'health') === 'true'
      ? ok('etcd health', `${endpoint} is healthy`)
      : fail(
          'etcd health',
          `${endpoint} is not healthy`,
          'see its log; a cluster needs more than half of its members',
        ),
    ...judgeAlarms(endpoint, alarms),
  ];
}

function judgeVersion(endpoint: string, version: string | null): Finding {
  if (version === null) return warn('etcd version', `${endpoint} does not tell it`, 'look at its log');
  if (compareVersions(version, OLDEST_SAFE) >= 0) return ok('etcd version', version);
  return warn(
    'etcd version',
    `${version} at ${endpoint}`,
    `for production take ${OLDEST_SAFE} or later: older ones have watch, lease and role bugs`,
  );
}

function judgeAlarms(endpoint: string, answer: unknown): Finding[] {
  const alarms = typeof answer === 'object' && answer !== null && 'alarms' in answer ? answer.alarms : [];
  if (!Array.isArray(alarms) || alarms.length === 0) return [];
  const names = alarms.map((alarm: unknown) => readText(alarm, 'alarm') ?? 'unknown');
  return [fail('etcd alarm', `${endpoint}: ${names.join(', ')}`, `for NOSPACE: ${FULL_REMEDY}`)];
}

function readText(value: unknown, name: string): string | null {
  const map: Readonly<Record<string, unknown>> =
    typeof value === 'object' && value !== null ? { ...value } : {};
  const text = map[name];
  return typeof text === 'string' ? text : null;
}

/** Null when it does not answer, or not in JSON. */
async function ask(endpoint: string, path: string, body?: unknown): Promise<unknown> {
  try {
    const answer = await fetch(`${endpoint}${path}`, {
      signal: AbortSignal.timeout(ANSWER_MS),
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    });
    return parseJson(await answer.text());
  } catch {
    return null;
  }
}
