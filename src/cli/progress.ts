// Shows how a rollout advances: a bar where a terminal is, one plain line per change in a pipe, and nothing beside JSON
// in a pipe.
import cliProgress from 'cli-progress';
import type { Outside, Sink } from './outside.ts';
import type { ServiceView } from './service.ts';
import { describeProgress } from './words.ts';

export interface Progress {
  /** `percent` of the way, as far as one can tell. */
  show(text: string, percent: number): void;
  close(): void;
}

export function makeProgress(outside: Outside, subject: string, output: 'text' | 'json'): Progress {
  const sink = output === 'json' ? outside.err : outside.out;
  if (sink.terminal !== null) return makeBar(sink.terminal, subject);
  return output === 'json' ? { show: () => undefined, close: () => undefined } : makeLines(sink, subject);
}

function makeBar(stream: NodeJS.WriteStream, subject: string): Progress {
  const bar = new cliProgress.SingleBar({
    stream,
    format: `${subject} {bar} {text}`,
    barsize: 20,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    clearOnComplete: true,
    hideCursor: true,
    gracefulExit: false,
  });
  bar.start(100, 0, { text: 'waiting for the controller' });
  return {
    show: (text, percent) => bar.update(percent, { text }),
    close: () => bar.stop(),
  };
}

function makeLines(sink: Sink, subject: string): Progress {
  let last = '';
  return {
    show: (line) => {
      if (line !== last) sink.write(`${subject}: ${line}\n`);
      last = line;
    },
    close: () => undefined,
  };
}

export function describeView({ status, trouble }: ServiceView): string {
  if (trouble !== null) return trouble;
  return status === null ? 'no status yet: is a controller running?' : describeProgress(status);
}
