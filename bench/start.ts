// From the start of `slipway serve` to `/readyz`, with etcd and the engine there.
import { startSlipway } from '../test/support/slipway.ts';
import { printSeries } from './figures.ts';

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 10);

export async function benchStart(): Promise<void> {
  const slipway = await startSlipway();
  const samples: number[] = [];
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      await slipway.endDaemon('SIGTERM');
      const begun = performance.now();
      const ready = untilReady(slipway.ports.admin);
      await slipway.startDaemon();
      samples.push((await ready) - begun);
    }
  } finally {
    await slipway.stop();
  }
  printSeries(
    'slipway serve → /readyz, controller and proxy, etcd there',
    [{ name: 'slipway', samples }],
    null,
  );
}

async function untilReady(port: number): Promise<number> {
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null);
    if (answer?.status === 200) return performance.now();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
