// A leader that stood still for longer than its lease, and goes on in the middle of an action as if nothing had been, or
// that was killed; a hundred rounds of it are `npm run test:faults`.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EtcdServer, startEtcd } from '../support/etcd.ts';
import { buildVersions } from '../support/versions.ts';
import { type Duel, judgeRound, openDuel } from './duel.ts';

const TTL_MS = 2_000;
let etcd: EtcdServer;
let duel: Duel;

beforeAll(async () => {
  await buildVersions('v1', 'v2');
  etcd = await startEtcd();
  duel = await openDuel(etcd, TTL_MS);
});
afterAll(async () => {
  await duel?.close();
  await etcd?.stop();
});

describe('a leader', () => {
  it.each([
    ['between the creation of a container and its start', 1, 'POST /containers/create', 'at-once'],
    ['between the end of a container and its removal', 3, 'POST /containers/*/stop', 'afterwards'],
  ] as const)(
    'frozen %s does nothing when it goes on; the other ends the rollout',
    async (_, nth, frozenAt, thaws) => {
      const round = await duel.round({ kind: 'freeze-after', nth, thaws });
      expect(round.frozenAt).toBe(frozenAt);
      expect(judgeRound(round)).toEqual([]);
    },
  );

  it('that is killed is replaced, and another one stands by', async () => {
    const round = await duel.round({ kind: 'kill-after', nth: 2, thaws: 'afterwards' });
    expect(round.frozenAt).toBe('POST /containers/*/start');
    expect(judgeRound(round)).toEqual([]);
  });
});
