// TLS towards a real etcd: the right authority, a client certificate, and every way to get them wrong.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type EtcdOptions, openEtcd } from '../../src/store/etcd.ts';
import { issue } from '../support/certificates.ts';
import { type Child, startChild } from '../support/child.ts';
import { findFreePorts } from '../support/names.ts';
import { waitFor } from '../support/wait.ts';

let folder: string;
let etcd: Child;
let endpoint: string;

const pem = (file: string) => readFileSync(join(folder, file), 'utf8');

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-tls-'));
  for (const authority of ['ca', 'other']) await issue(folder, authority, null);
  for (const name of ['server', 'client']) await issue(folder, name, 'ca');
  await issue(folder, 'stranger', 'other');
  const [port, peerPort, healthPort] = await findFreePorts(3);
  endpoint = `https://127.0.0.1:${port}`;
  const peer = `http://127.0.0.1:${peerPort}`;
  const health = `http://127.0.0.1:${healthPort}`;
  etcd = startChild('etcd', [
    ...['--name', 'test', '--data-dir', join(folder, 'data'), '--log-level', 'error', '--logger', 'zap'],
    ...[
      '--listen-client-urls',
      endpoint,
      '--advertise-client-urls',
      endpoint,
      '--listen-metrics-urls',
      health,
    ],
    ...[
      '--listen-peer-urls',
      peer,
      '--initial-advertise-peer-urls',
      peer,
      '--initial-cluster',
      `test=${peer}`,
    ],
    ...['--cert-file', join(folder, 'server.pem'), '--key-file', join(folder, 'server.key')],
    ...['--client-cert-auth', '--trusted-ca-file', join(folder, 'ca.pem')],
  ]);
  await waitFor('etcd', async () => (await (await fetch(`${health}/health`)).text()).includes('true'));
});

afterAll(async () => {
  await etcd?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function tryOut(options: Partial<EtcdOptions>): Promise<unknown> {
  const store = openEtcd({ endpoints: [endpoint], timeoutMs: 2_000, ...options });
  try {
    const lease = await store.grantLease(5_000);
    const seen: string[] = [];
    const listener = {
      onChanges: (changes: readonly { readonly key: string }[]) =>
        void seen.push(...changes.map(({ key }) => key)),
      onLost: () => undefined,
    };
    await store.watch('/t/', 1, listener);
    await store.commit({ guards: [], puts: [{ key: '/t/a', value: '1', lease }], deletes: [] });
    await waitFor('the change', () => seen.includes('/t/a'));
    await lease.revoke();
    return 'works';
  } finally {
    await store.close();
  }
}

it('calls, watches and leases work with the authority and a client certificate', async () => {
  const options = { ca: pem('ca.pem'), cert: pem('client.pem'), key: pem('client.key') };
  expect(await tryOut(options)).toBe('works');
});

it.each([
  ['without a client certificate', () => ({ ca: pem('ca.pem') })],
  [
    'with a certificate of another authority',
    () => ({ ca: pem('ca.pem'), cert: pem('stranger.pem'), key: pem('stranger.key') }),
  ],
  [
    'when another authority has signed the server',
    () => ({ ca: pem('other.pem'), cert: pem('client.pem'), key: pem('client.key') }),
  ],
  ["with Node's own authorities only", () => ({ cert: pem('client.pem'), key: pem('client.key') })],
])('nothing works %s', async (_case, options) => {
  await expect(tryOut(options())).rejects.toMatchObject({ name: 'StoreError', disposition: 'transient' });
});
