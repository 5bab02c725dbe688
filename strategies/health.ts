// Probe results → a record, and a record → ready, available, unhealthy. Rise and fall as in HAProxy and kubelet;
// the start period as in Docker: failures in it do not count, a first success ends it. Until ready we probe faster than
// Docker does, but count failures at its pace, one per `interval`: a slow start is not condemned for being watched closely.
import type { Healthcheck, ProbeRecord, ProbeResult } from './model.ts';

export const UNPROBED: ProbeRecord = {
  readySince: null,
  unhealthySince: null,
  successes: 0,
  failures: 0,
  countedAt: null,
  last: null,
};

export type Counting = Pick<Healthcheck, 'rise' | 'retries' | 'startPeriodMs' | 'intervalMs'>;

/** `startedAt`: when the container started, in milliseconds since the epoch. */
export function recordProbe(
  record: ProbeRecord,
  result: ProbeResult,
  check: Counting,
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
    countedAt: null,
    last: result,
  };
}

/**
 * Worked example, start period 30 s, interval 5 s, retries 3, never ready: failures count at 30 s, 35 s and 40 s, so the
 * replica is unhealthy 40 s after its start, however often it was probed.
 */
function recordFailure(
  record: ProbeRecord,
  result: ProbeResult,
  check: Counting,
  startedAt: number,
): ProbeRecord {
  if (isDoubted(record)) return { ...UNPROBED, last: result };
  const counts = isCounted(record, result.at, check, startedAt);
  const failures = record.failures + Number(counts);
  const hasFallen = failures >= check.retries;
  return {
    readySince: hasFallen ? null : record.readySince,
    unhealthySince: hasFallen ? (record.unhealthySince ?? result.at) : null,
    successes: 0,
    failures,
    countedAt: counts ? result.at : record.countedAt,
    last: result,
  };
}

function isCounted(record: ProbeRecord, at: number, check: Counting, startedAt: number): boolean {
  if (record.readySince !== null || record.successes > 0) return true;
  if (record.countedAt !== null) return at - record.countedAt >= check.intervalMs;
  return at >= startedAt + check.startPeriodMs;
}

/**
 * A replica that a new controller finds serving: ready until its probes say otherwise. Where this may be another run of
 * it than the one that served, the first answer decides.
 */
export function assumeReady(at: number, isProven = true): ProbeRecord {
  return { ...UNPROBED, readySince: at, successes: Number(isProven) };
}

function isDoubted({ readySince, successes, last }: ProbeRecord): boolean {
  return readySince !== null && successes === 0 && last === null;
}

/** Ready for `minReadyMs` without interruption. */
export function isAvailable(record: ProbeRecord, minReadyMs: number, now: number): boolean {
  return record.readySince !== null && now - record.readySince >= minReadyMs;
}
