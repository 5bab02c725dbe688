// A leader that stood still for longer than its lease, and goes on in the middle of an action as if nothing had been; a
// hundred rounds of it are `npm run test:faults`.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EtcdServer, startEtcd } from '../support/etcd.ts';
import { buildVersions } from '../support/versions.ts';
import { type Duel, openDuel } from './duel.ts';

let etcd: EtcdServer;
let duel: Duel;

beforeAll(async () => {
  await buildVersions('v1', 'v2');
  etcd = await startEtcd();
  duel = await openDuel(etcd);
});
afterAll(async () => {
  await duel?.close();
  await etcd?.stop();
});

describe('a frozen leader', () => {
  it.each([
    ['between the creation of a container and its start', 1, 'POST /containers/create', 'at-once'],
    ['between the end of a container and its removal', 3, 'POST /containers/*/stop', 'afterwards'],
  ] as const)(
    '%s does nothing when it goes on; the other ends the rollout',
    async (_, nth, frozenAt, thaws) => {
      const round = await duel.round({ kind: 'freeze-after', nth, thaws });
      expect(round).toMatchObject({ frozenAt, outcome: 'succeeded', offences: [], lost: [] });
    },
  );
});
