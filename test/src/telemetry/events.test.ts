// The event bus: order, replay, bounds.
import { expect, test } from 'vitest';
import { createEventBus, type RecordedEvent } from '../../../src/telemetry/events.ts';

const NOW = Date.UTC(2026, 0, 1);
const kindsOf = (events: readonly RecordedEvent[]) => events.map(({ event }) => event.kind);

test('listeners get each event once, in order, with its time, until they leave', () => {
  const bus = createEventBus(() => NOW);
  const seen: RecordedEvent[] = [];
  const leave = bus.subscribe((recorded) => seen.push(recorded));
  bus.emit({ kind: 'leader-gained' });
  bus.emit({ kind: 'store-lost' });
  leave();
  bus.emit({ kind: 'leader-lost' });
  expect(kindsOf(seen)).toEqual(['leader-gained', 'store-lost']);
  expect(seen[0]?.at).toBe('2026-01-01T00:00:00.000Z');
  expect(new Set(seen.map(({ id }) => id)).size).toBe(2);
});

test('a listener may leave while it is told', () => {
  const bus = createEventBus(() => NOW);
  const seen: string[] = [];
  const leave = bus.subscribe(() => {
    seen.push('first');
    leave();
  });
  bus.subscribe(() => seen.push('second'));
  bus.emit({ kind: 'leader-gained' });
  bus.emit({ kind: 'leader-lost' });
  expect(seen).toEqual(['first', 'second', 'second']);
});

test('who was there until an id gets what came after it', () => {
  const bus = createEventBus(() => NOW);
  const ids: string[] = [];
  bus.subscribe(({ id }) => ids.push(id));
  for (const kind of ['leader-gained', 'store-lost', 'leader-lost'] as const) bus.emit({ kind });
  expect(bus.since(ids[0] ?? '')).toMatchObject({ complete: true, events: [{ id: ids[1] }, { id: ids[2] }] });
  expect(bus.since(ids[2] ?? '')).toEqual({ complete: true, events: [] });
});

test('what has gone is admitted: the ring holds the last ones', () => {
  const bus = createEventBus(() => NOW, 3);
  const ids: string[] = [];
  bus.subscribe(({ id }) => ids.push(id));
  for (let index = 0; index < 5; index += 1) bus.emit({ kind: 'leader-gained' });
  expect(bus.since(ids[0] ?? '')).toMatchObject({ complete: false });
  expect(bus.since(ids[0] ?? '').events.map(({ id }) => id)).toEqual(ids.slice(2));
  expect(bus.since(ids[1] ?? '')).toMatchObject({ complete: true });
});

test.each([
  ['an earlier process', 'zzzz-1'],
  ['nobody', ''],
  ['nonsense', 'a-b-c'],
  ['the future', `${NOW.toString(36)}-99`],
])('an id of %s gets everything, marked incomplete', (_rule, id) => {
  const bus = createEventBus(() => NOW);
  bus.emit({ kind: 'leader-gained' });
  expect(bus.since(id)).toMatchObject({ complete: false, events: [{ event: { kind: 'leader-gained' } }] });
});
