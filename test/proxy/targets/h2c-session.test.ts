// One connection of HTTP/2 to a target: who gets a place on it, who has to go elsewhere, and when it takes leave.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TargetError } from '../../../proxy/errors.ts';
import { type Guest, H2cSession } from '../../../proxy/targets/h2c-session.ts';
import { TYPES } from '../frame-client.ts';
import { frameTarget, h2cTarget } from '../h2c-target.ts';
import { Rig, until } from '../rig.ts';

let rig: Rig;
let told: string[];
beforeEach(() => {
  rig = new Rig();
  told = [];
});
afterEach(() => rig.close());

function open(address: string, maxStreams?: number): H2cSession {
  const [host = '', port = ''] = address.split(':');
  const events = {
    onFull: (guests: readonly Guest[]): unknown => told.push(`full ${guests.length}`),
    onLeaving: (): unknown => told.push('leaving'),
  };
  const session = new H2cSession(host, Number(port), events, maxStreams);
  rig.onClose(async () => session.http2.destroy());
  return session;
}

function guest(name: string): Guest {
  return {
    onSeated: (): unknown => told.push(`${name} seated`),
    onUnseated: (reason: TargetError): unknown => told.push(`${name} ${reason}`),
  };
}

describe('a session', () => {
  it('seats in order those for whom the target has room, and the others go elsewhere', async () => {
    const target = await h2cTarget(rig, () => undefined, 2);
    const session = open(target.address);
    expect(['a', 'b', 'c'].map((name) => session.seat(guest(name)))).toEqual([false, false, false]);
    await until(() => told.length === 3, 'all have heard');
    expect(told).toEqual(['a seated', 'b seated', 'full 1']);
    expect(session.hasRoom).toBe(false);
    session.release();
    expect([session.hasRoom, session.seat(guest('d'))]).toEqual([true, true]);
  });

  it('that nobody waits for any more is not made', async () => {
    const address = await frameTarget(rig, () => undefined, true);
    const session = open(address);
    const waiting = guest('a');
    session.seat(waiting);
    expect(session.forget(waiting)).toBe(true);
    await until(() => session.http2.destroyed, 'it is given up');
    expect(session.hasRoom).toBe(false);
    expect(told.filter((each) => each !== 'leaving')).toEqual([]);
  });

  it('that begins with anything but settings speaks something else', async () => {
    const address = await frameTarget(rig, (peer) => peer.send(TYPES.goaway, 0, 0, Buffer.alloc(8)), true);
    const session = open(address);
    session.seat(guest('a'));
    await until(() => told.some((each) => each.startsWith('a ')), 'it is told');
    expect(told).toContain('a invalid-response');
  });

  it('takes leave before its numbers run out', async () => {
    const target = await h2cTarget(rig, () => undefined);
    const session = open(target.address, 2);
    session.seat(guest('a'));
    await until(() => told.length === 1, 'the first has its place');
    expect(session.seat(guest('b'))).toBe(true);
    const stream = session.http2.request({ ':path': '/' });
    stream.on('error', () => undefined);
    expect([session.hasRoom, told]).toEqual([false, ['a seated', 'leaving']]);
    await until(() => session.http2.closed, 'it is closing');
    expect(stream.destroyed).toBe(false);
  });
});
