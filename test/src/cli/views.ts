// Documents and views for the command line's tests: a healthy service, changed where a case says so.
import type { FinishedDocument, StatusDocument } from '../../../src/cli/documents.ts';
import type { ServiceView } from '../../../src/cli/service.ts';
import type { Outcome } from '../../../strategies/model.ts';

export const NOW = Date.parse('2026-01-01T01:00:00Z');

export function statusOf(change: Partial<StatusDocument>): StatusDocument {
  return {
    service: 'web',
    phase: 'idle',
    strategy: 'canary',
    version: 'v1',
    reason: null,
    message: 'Running v1, 3 replicas.',
    next: null,
    stable: {
      revision: 3,
      version: 'v1',
      digest: 'sha256:1',
      replicas: { wanted: 3, ready: 3, total: 3 },
      weight: { desired: 100, effective: 100 },
    },
    candidate: null,
    step: null,
    rollout: null,
    last: null,
    observed: { spec: 5, version: 6, weights: null, command: null },
    updated: '2026-01-01T00:55:00Z',
    ...change,
  };
}

/** In the middle of a canary: step 2 of 5, 10 % of the traffic. */
export function canaryStatus(change: Partial<StatusDocument> = {}): StatusDocument {
  const { stable } = statusOf({});
  if (stable === null) throw new Error('the healthy service has a stable revision');
  return statusOf({
    phase: 'progressing',
    version: 'v2',
    reason: 'step-pause',
    message: 'Holding at 10 % for another 58 minutes.',
    next: { what: 'weight 50', at: '2026-01-01T01:58:00Z' },
    stable: { ...stable, weight: { desired: 90, effective: 90 } },
    candidate: {
      ...stable,
      revision: 4,
      version: 'v2',
      digest: 'sha256:2',
      replicas: { wanted: 1, ready: 1, total: 1 },
      weight: { desired: 10, effective: 10 },
    },
    step: {
      index: 1,
      count: 5,
      what: 'pause 1h',
      started: '2026-01-01T00:58:00Z',
      ends: '2026-01-01T01:58:00Z',
    },
    rollout: {
      id: 'web-4-20',
      requested: 20,
      started: '2026-01-01T00:57:00Z',
      deadline: '2026-01-01T01:10:00Z',
    },
    observed: { spec: 5, version: 20, weights: null, command: null },
    ...change,
  });
}

const REASONS = {
  succeeded: null,
  failed: 'probe-failed',
  'rolled-back': 'probe-failed',
  superseded: 'superseded',
  aborted: 'aborted-by-operator',
} as const satisfies Record<Outcome, string | null>;

/** The record of the request made at etcd revision 20. */
export function finishedAs(outcome: Outcome): FinishedDocument {
  return {
    id: 'web-4-20',
    kind: 'release',
    strategy: 'canary',
    requested: 20,
    revision: 4,
    version: 'v2',
    digest: 'sha256:2',
    outcome,
    reason: REASONS[outcome],
    message: `It ended as ${outcome}.`,
    started: '2026-01-01T00:57:00Z',
    ended: '2026-01-01T00:57:42Z',
    evidence: [],
  };
}

export function viewOf(change: Partial<ServiceView>): ServiceView {
  return {
    service: 'web',
    spec: { key: '/slipway/services/web/spec', value: 'image: web', createRevision: 5, modRevision: 5 },
    version: null,
    weights: null,
    command: null,
    freeze: null,
    rollout: null,
    status: statusOf({}),
    history: [],
    quarantined: [],
    trouble: null,
    ...change,
  };
}
