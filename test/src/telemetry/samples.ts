// A service in the middle of a canary, and a finished rollout, for tests of telemetry.

import type { ProxyNumbers } from '../../../src/telemetry/metrics-proxy.ts';
import type { FinishedRollout, Report } from '../../../strategies/model.ts';

export const REPORT: Report = {
  phase: 'progressing',
  reason: 'step-pause',
  message: 'Holding at 10 %.',
  next: null,
  stable: {
    revision: 3,
    version: 'v1',
    digest: 'sha256:aa',
    replicas: { wanted: 3, ready: 3, total: 4 },
    weight: { desired: 90, effective: 90 },
  },
  candidate: {
    revision: 4,
    version: 'v2',
    digest: 'sha256:bb',
    replicas: { wanted: 1, ready: 0, total: 1 },
    weight: { desired: 10, effective: 0 },
  },
  step: { index: 1, count: 5, what: 'pause 1h', started: 0, ends: null },
};

export const IDLE: Report = { ...REPORT, phase: 'idle', candidate: null, step: null, reason: null };

export function makeFinished(over: Partial<FinishedRollout> = {}): FinishedRollout {
  return {
    id: 'web-4-1287',
    kind: 'release',
    strategy: 'canary',
    requested: 1287,
    revision: 4,
    version: 'v2',
    digest: 'sha256:bb',
    outcome: 'succeeded',
    reason: null,
    message: '',
    startedAt: 1_000_000,
    endedAt: 1_045_000,
    evidence: [],
    ...over,
  };
}

export const BOUNDS = [0.1, 1];

export const NUMBERS: ProxyNumbers = {
  tableVersion: 42,
  connections: 7,
  refused: { limit: 0, 'address-limit': 2 },
  handshakeErrors: { timeout: 1, protocol: 0 },
  unrouted: [0, 0, 0, 5, 0],
  services: {
    web: {
      parked: 2,
      ejected: 1,
      retries: 1,
      mirror: { codes: [0, 8, 0, 0, 1], failed: 2, skipped: 3 },
      unserved: [0, 0, 0, 0, 3],
      revisions: [
        {
          revision: 3,
          inFlight: 4,
          errors: { reset: 1, timeout: 0 },
          requests: [{ role: 'stable', codes: [0, 90, 1, 2, 3], buckets: [50, 40, 6], sumSeconds: 12.5 }],
        },
      ],
    },
  },
  certificates: [{ file: 'shop', isBad: false, expiresAt: 4_102_444_800_000 }],
};
