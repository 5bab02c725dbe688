import { expect, it } from 'vitest';
import type { ClientRequest } from '../../../proxy/clients/conversation.ts';
import { type BodyEvents, BodyPump, type BodySink } from '../../../proxy/exchange/body.ts';

/** Says what it is told; the sink takes one piece, and wants to be asked before the next. */
function begin() {
  const told: string[] = [];
  const listeners: Record<string, (piece: Buffer) => void> = {};
  const source = {
    ...{
      rawTrailers: [],
      pause: () => told.push('pause'),
      resume: () => told.push('resume'),
    },
    on: (event: string, listener: (piece: Buffer) => void) => Object.assign(listeners, { [event]: listener }),
    once: (event: string, listener: () => void) => Object.assign(listeners, { [event]: listener }),
    off: () => undefined,
  };
  const events: BodyEvents = {
    onProgress: () => told.push('progress'),
    onSent: () => told.push('sent'),
    onTooLarge: () => told.push('too large'),
  };
  const sink: BodySink = {
    flushHead: () => told.push('flush'),
    write: () => told.push('write') === 0,
    end: () => told.push('end'),
  };
  const pump = new BodyPump(source as unknown as ClientRequest, null, events);
  pump.start(sink);
  return { told, pump, tell: (event: string, text = '') => listeners[event]?.(Buffer.from(text)) };
}

it('goes on once the target reads on', () => {
  const { told, pump, tell } = begin();
  tell('data', 'abc');
  pump.goOn();
  expect([pump.isBlocked, told]).toEqual([false, ['progress', 'write', 'pause', 'progress', 'resume']]);
});

it('that ends with a piece that has to wait makes no more progress: it is the answer that is waited for', () => {
  const { told, pump, tell } = begin();
  tell('data', 'abc');
  tell('end');
  told.length = 0;
  pump.goOn();
  expect([pump.isBlocked, told]).toEqual([false, []]);
});

it('goes out with the head, where some of it has come in by the end of the turn', async () => {
  const { told, tell } = begin();
  tell('data', 'abc');
  await new Promise(process.nextTick);
  expect(told).toEqual(['progress', 'write', 'pause', 'flush']);
});

it('that is stopped at once sends no head', async () => {
  const { told, pump } = begin();
  pump.stop();
  await new Promise(process.nextTick);
  expect(told).toEqual(['pause']);
});
