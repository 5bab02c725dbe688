import { expect, it } from 'vitest';
import { DeployEngine } from '../../../src/app/engine.ts';
import { FakeRuntime } from '../../fakes/runtime.ts';

it('tells once that the engine answers again, whoever asked it', async () => {
  const runtime = new FakeRuntime();
  let times = 0;
  const engine = new DeployEngine({
    ...{ runtime, prefix: '/slipway', now: () => 0, takePermit: () => () => true },
    mark: () => undefined,
    onBack: () => {
      times += 1;
    },
    onTrouble: () => undefined,
    onAction: () => undefined,
    signal: new AbortController().signal,
  });
  await engine.ping();
  expect(times).toBe(0);
  runtime.goAway();
  await expect(engine.observe('web')).rejects.toThrow();
  expect([engine.away === null, times]).toEqual([false, 0]);
  runtime.comeBack();
  await engine.ping();
  await engine.observe('web');
  expect([engine.away, times]).toEqual([null, 1]);
});
