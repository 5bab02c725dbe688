// What a container of the fake engine has printed: the lines of its image at the start of each of its runs.
import type { LogLine, LogMark } from '../../deploy/runtime.ts';
import { cyclesUntil, type FakeContainer, RESTART_DELAY_MS } from './runtime-container.ts';

export type MarkedLine = LogLine & { readonly mark: LogMark };

export function logOf(container: FakeContainer, now: number): readonly MarkedLine[] {
  const { startedAt, endedAt, behaviour } = container;
  if (startedAt === null || now < startedAt) return [];
  const until = endedAt === null ? now : Math.min(now, endedAt);
  const runs = Array.from({ length: cyclesUntil(container, until) + 1 }, (_, run) => {
    return startedAt + run * ((behaviour.exitsAfterMs ?? 0) + RESTART_DELAY_MS);
  });
  return runs.flatMap((begun) => (behaviour.log ?? []).map((text, index) => markLine(text, begun, index)));
}

function markLine(text: string, begunMs: number, index: number): MarkedLine {
  return { text, mark: { at: (begunMs / 1000).toFixed(9), place: index + 1 } };
}

export function isBehind(mark: LogMark, after: LogMark): boolean {
  return mark.at === after.at ? mark.place > after.place : mark.at > after.at;
}
