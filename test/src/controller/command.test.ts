import { expect, it } from 'vitest';
import { putCommand } from '../../../src/controller/command.ts';
import { FakeEtcd } from '../../fakes/store.ts';

const KEY = '/slipway/services/web/command';

it.each([
  ['promote', null, 'promote'],
  ['promote', 'pause', 'pause'],
  ['abort', null, 'abort'],
  ['abort', 'pause', 'abort'],
])('%s where %s waits leaves %s', async (text, waiting, left) => {
  const etcd = new FakeEtcd();
  if (waiting !== null) etcd.put(KEY, `${waiting}\n`);
  const given = await putCommand(etcd.connect(), KEY, text);
  expect(etcd.value(KEY)?.trim()).toBe(left);
  const revision = etcd.get(KEY)?.modRevision;
  expect(given).toEqual(left === text ? { ok: true, revision } : { ok: false, waiting });
});
