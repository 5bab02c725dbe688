// What a worker is told of tables, by one that only notes it.
import type { Worker } from 'node:cluster';
import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import { Member } from '../../../proxy/workers/member.ts';
import type { FromWorker, ToWorker } from '../../../proxy/workers/messages.ts';

class Told extends EventEmitter {
  readonly process = { pid: 1, kill: () => true };
  readonly messages: ToWorker[] = [];

  isConnected(): boolean {
    return true;
  }

  send(message: ToWorker): void {
    this.messages.push(message);
    const acknowledgement = { applied: 1, busy: {}, refused: {} };
    setImmediate(() => {
      if (message.kind === 'entries') this.say({ kind: 'noted', id: message.id });
      if (message.kind === 'apply') this.say({ kind: 'applied', id: message.id, acknowledgement });
    });
  }

  say(message: FromWorker): void {
    this.emit('message', message);
  }

  /** What it was told since it was last asked. */
  take(): readonly unknown[] {
    return this.messages.splice(0).map((message) => {
      if (message.kind === 'entries') return message.entries;
      return message.kind === 'apply' ? [message.version, ...message.gone] : message.kind;
    });
  }
}

const ignore = (): void => undefined;
const EVENTS = {
  ...{ onChange: ignore, onFree: ignore, onNamed: () => true, onLeft: ignore },
  ...{ onProblem: ignore, onAccess: ignore, onExit: ignore },
};

function start(services: Readonly<Record<string, unknown>>): { told: Told; member: Member } {
  const told = new Told();
  const first = { kind: 'start', options: {}, update: { version: 1, services }, certificates: [] } as const;
  const member = new Member(told as unknown as Worker, () => first, EVENTS);
  told.say({ kind: 'ready' });
  told.take();
  return { told, member };
}

it('a worker is told what differs from the table that it has', async () => {
  const [a, b, c] = [{}, {}, {}];
  const { told, member } = start({ a, b });
  await member.apply({ version: 2, services: { b, c } });
  expect(told.take()).toEqual([{ c }, [2, 'a']]);
  await member.apply({ version: 3, services: { b, c } });
  expect(told.take()).toEqual([[3]]);
  await member.apply({ version: 4, services: { b: { is: 'new' }, c, toString: {} } });
  expect(told.take()).toEqual([{ b: { is: 'new' }, toString: {} }, [4]]);
});

it('a worker is told of many entries in several messages, each once it has noted the one before', async () => {
  const { told, member } = start({});
  const names = Array.from({ length: 250 }, (_, index) => `web-${index}`);
  const applied = member.apply({ version: 2, services: Object.fromEntries(names.map((name) => [name, {}])) });
  await Promise.resolve();
  expect(told.messages.length).toBe(1);
  await applied;
  const messages = told.take();
  expect(messages.map((message) => Object.keys(message ?? {}).length)).toEqual([100, 100, 50, 1]);
  expect(messages.slice(0, 3).flatMap((message) => Object.keys(message ?? {}))).toEqual(names);
});

it('a worker is told of one table after the other, however close they come', async () => {
  const { told, member } = start({});
  const entries = { a: {}, b: {}, c: {} };
  await Promise.all([
    member.apply({ version: 2, services: { a: entries.a, b: entries.b } }),
    member.apply({ version: 3, services: { b: entries.b, c: entries.c } }),
  ]);
  expect(told.take()).toEqual([{ a: {}, b: {} }, [2], { c: {} }, [3, 'a']]);
});
