// Probe results → a record, and a record → ready, available, unhealthy. Rise and fall as in HAProxy and kubelet;
// the start period as in Docker: failures in it do not count, a first success ends it.
import type { Healthcheck, ProbeRecord, ProbeResult } from './model.ts';

export const UNPROBED: ProbeRecord = {
  readySince: null,
  unhealthySince: null,
  successes: 0,
  failures: 0,
  last: null,
};

/** `startedAt`: when the container started, in milliseconds since the epoch. */
export function recordProbe(
  record: ProbeRecord,
  result: ProbeResult,
  check: Pick<Healthcheck, 'rise' | 'retries' | 'startPeriodMs'>,
  startedAt: number,
): ProbeRecord {
  return result.ok
    ? recordSuccess(record, result, check.rise)
    : recordFailure(record, result, check, startedAt);
}

function recordSuccess(record: ProbeRecord, result: ProbeResult, rise: number): ProbeRecord {
  const successes = record.successes + 1;
  const isReady = record.readySince !== null || successes >= rise;
  return {
    readySince: isReady ? (record.readySince ?? result.at) : null,
    unhealthySince: isReady ? null : record.unhealthySince,
    successes,
    failures: 0,
    last: result,
  };
}

function recordFailure(
  record: ProbeRecord,
  result: ProbeResult,
  check: Pick<Healthcheck, 'retries' | 'startPeriodMs'>,
  startedAt: number,
): ProbeRecord {
  const isStarting =
    record.readySince === null && record.successes === 0 && result.at < startedAt + check.startPeriodMs;
  const failures = isStarting ? record.failures : record.failures + 1;
  const hasFallen = failures >= check.retries;
  return {
    readySince: hasFallen ? null : record.readySince,
    unhealthySince: hasFallen ? (record.unhealthySince ?? result.at) : null,
    successes: 0,
    failures,
    last: result,
  };
}

/** A replica found in the live table by a new controller: ready until its probes say otherwise. */
export function assumeReady(at: number): ProbeRecord {
  return { ...UNPROBED, readySince: at };
}

/** Ready for `minReadyMs` without interruption. */
export function isAvailable(record: ProbeRecord, minReadyMs: number, now: number): boolean {
  return record.readySince !== null && now - record.readySince >= minReadyMs;
}
