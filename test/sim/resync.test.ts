// What no event tells is seen all the same: every service is looked at from time to time.
import { expect, it } from 'vitest';
import { generate } from './daemon/generate.ts';
import { PREFIX } from './daemon/machine.ts';
import { strike } from './daemon/mishaps.ts';
import { Operator } from './daemon/operator.ts';
import { GOOD, type Plot } from './daemon/plot.ts';
import { KEYS, SimFleet } from './daemon/world.ts';

/** One service that comes to rest with v1. */
function calm(): Plot {
  const plot = generate(1);
  const spec = { image: 'registry.test/app', port: 8080, replicas: 2, strategy: { monitor: '0s' } };
  const services = [{ name: 's1', spec, versions: { v1: GOOD } }];
  return { ...plot, services, controllers: 1, acts: [], faults: [], storeMs: 1, engineMs: 5 };
}

it('a container that came without an event is found and removed within a minute', async () => {
  const fleet = new SimFleet(calm());
  try {
    new Operator(fleet);
    await fleet.run(60_000);
    const names = () => fleet.machine.look('s1').map(({ name }) => name);
    expect(names()).toEqual(['s1-r1-1', 's1-r1-2']);
    strike(fleet, { kind: 'events-lost', forMs: 120_000 });
    const revision = JSON.parse(fleet.etcd.value(KEYS.revision('s1', 1)) ?? '');
    const identity = { prefix: PREFIX, service: 's1', revision: 1, ordinal: 9 };
    await fleet.machine.runtime.start({ identity, name: 's1-r1-9', revision });
    expect(names()).toContain('s1-r1-9');
    await fleet.run(60_000);
    expect(names()).toEqual(['s1-r1-1', 's1-r1-2']);
  } finally {
    fleet.time.uninstall();
  }
});
