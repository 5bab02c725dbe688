import { describe, expect, it } from 'vitest';
import { countRefusals, type ProxyStats, type ServiceStats } from '../../../proxy/counters.ts';
import { keepCounters, mergeStats } from '../../../proxy/workers/aggregate.ts';

function statsOf(web: Partial<ServiceStats>): ProxyStats {
  return {
    tableVersion: 1,
    connections: 1,
    refused: countRefusals(() => 0),
    handshakeErrors: { 'no-certificate': 0, timeout: 0, closed: 0, protocol: 0 },
    unrouted: [0, 0, 0, 0, 0],
    services: {
      web: {
        ...{ parked: 1, ejected: 0, retries: 2, unserved: [0, 0, 0, 0, 1], revisions: [] },
        ...{ mirror: { codes: [0, 5, 0, 0, 1], failed: 3, skipped: 4 } },
        ...web,
      },
    },
  };
}

describe('the numbers of several workers', () => {
  it('are sums, but for targets that each of them leaves out', () => {
    const { web } = mergeStats([statsOf({ ejected: 2 }), statsOf({ ejected: 1 })]).services;
    expect(web).toMatchObject({ parked: 2, ejected: 2, retries: 4, unserved: [0, 0, 0, 0, 2] });
    expect(web?.mirror).toEqual({ codes: [0, 10, 0, 0, 2], failed: 6, skipped: 8 });
  });

  it('of one that died are what it counted, not what it was at', () => {
    const { web } = keepCounters(statsOf({ ejected: 2 })).services;
    expect(web).toMatchObject({ parked: 0, ejected: 0, retries: 2, mirror: { failed: 3 } });
  });
});
