import { once } from 'node:events';
import { type AddressInfo, createServer, Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { READ_BYTES } from '../../../proxy/messages/lent.ts';
import { PacedReading } from '../../../proxy/messages/paced-reading.ts';
import { mayReadAgain, mayReadOn, noteArrival } from '../../../proxy/messages/read-turns.ts';
import { Connection, type Occupant } from '../../../proxy/targets/connection.ts';
import { until } from '../rig.ts';

const MOST_READS = 64;
const LARGE = Buffer.alloc(4_000_000, 'large ');
const CONNECTIONS = 12;

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

const nothing = (): void => undefined;

/** Of all connections that it occupies. */
class Counter implements Occupant {
  bytes = 0;
  ended = 0;

  onBody(piece: Buffer): void {
    this.bytes += piece.length;
  }

  onEnd(): void {
    this.ended += 1;
  }

  readonly onConnected = nothing;
  readonly onDrained = nothing;
  readonly onRead = nothing;
  readonly onInformation = nothing;
  readonly onHead = nothing;
  readonly onSwitch = nothing;
  readonly onMalformed = nothing;
  readonly onClosed = nothing;
}

/** Their targets have said all that the system takes, and nothing of it has been read. */
async function connectFull(occupant: Occupant): Promise<Connection[]> {
  const targets: Socket[] = [];
  const server = createServer((target) => {
    targets.push(target.on('error', () => target.destroy()));
    target.resume();
    target.write(`HTTP/1.1 200 OK\r\nContent-Length: ${LARGE.length}\r\n\r\n`);
    target.write(LARGE);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const connections = Array.from({ length: CONNECTIONS }, () => {
    const connection = new Connection('127.0.0.1', port, false, () => undefined);
    connection.occupy(occupant, 'GET');
    connection.reading.pause();
    return connection;
  });
  closers.push(() => {
    for (const connection of connections) connection.close();
    for (const target of targets) target.destroy();
    server.close();
  });
  await until(() => targets.length === CONNECTIONS, 'all are connected');
  return connections;
}

describe('large answers', () => {
  it('have their turns while clients come, each a few pieces at a time, and come whole', async () => {
    const counter = new Counter();
    const connections = await connectFull(counter);
    for (const connection of connections) connection.reading.resume();
    let most = 0;
    while (counter.ended < CONNECTIONS) {
      noteArrival();
      const before = counter.bytes;
      await turn();
      most = Math.max(most, counter.bytes - before);
    }
    expect(counter.bytes).toBe(CONNECTIONS * LARGE.length);
    expect(most).toBeLessThanOrEqual((MOST_READS + CONNECTIONS) * READ_BYTES);
  });

  it('whose client takes no more are passed over, and go on where they were', async () => {
    const counter = new Counter();
    const connections = await connectFull(counter);
    for (const connection of connections) connection.reading.resume();
    while (counter.ended < CONNECTIONS) {
      noteArrival();
      for (const connection of connections) connection.reading.pause();
      await turn();
      for (const connection of connections) connection.reading.resume();
      await turn();
    }
    expect(counter.bytes).toBe(CONNECTIONS * LARGE.length);
  });
});

describe('a turn', () => {
  /** What was told to read on, by name. */
  const makeReaders = (names: string, isUseful: (name: string) => boolean = () => true) => {
    const told: string[] = [];
    const readers = [...names].map((name) => ({
      readOn: () => {
        told.push(name);
        return isUseful(name);
      },
    }));
    return { told, readers };
  };

  it('has room for so many reads; the others are told in their order, and who does not want costs nothing', async () => {
    noteArrival();
    const { told, readers } = makeReaders('abc', (name) => name !== 'a');
    const [first] = readers;
    if (first === undefined) throw new Error('there is none');
    let count = 0;
    while (count < MOST_READS + 1 && mayReadOn(first)) count += 1;
    expect(count).toBeLessThanOrEqual(MOST_READS);
    expect(readers.slice(1).map((reader) => mayReadAgain(reader))).toEqual([false, false]);
    expect(told).toEqual([]);
    await until(() => told.length === 3, 'all have had their turn');
    expect(told).toEqual(['a', 'b', 'c']);
    await until(() => mayReadAgain(first), 'nobody waits');
  });

  it('belongs first to a connection that has only just come: it does not wait as one does that has rested', async () => {
    noteArrival();
    const [first] = makeReaders('a').readers;
    if (first === undefined) throw new Error('there is none');
    while (mayReadOn(first));
    const [newcomer, rested] = [new Socket(), new Socket()];
    for (const socket of [newcomer, rested]) closers.push(() => socket.destroy());
    const readings = [newcomer, rested].map((socket) => new PacedReading(socket));
    readings[1]?.pause();
    newcomer.pause();
    for (const reading of readings) reading.resume();
    expect([newcomer.isPaused(), rested.isPaused()]).toEqual([false, true]);
    await until(() => !rested.isPaused(), 'its turn has come');
  });

  it('that accepts a client reads nothing that waits, but for one in nine', async () => {
    noteArrival();
    let told = 0;
    const readers = [1, 2].map(() => ({
      readOn: () => {
        told += 1;
        return true;
      },
    }));
    for (const reader of readers) while (mayReadOn(reader));
    let reading = 0;
    for (let turns = 0; turns < 90; turns += 1) {
      noteArrival();
      const before = told;
      await turn();
      if (told > before) reading += 1;
      for (const reader of readers) while (mayReadOn(reader));
    }
    expect(reading).toBeGreaterThan(5);
    expect(reading).toBeLessThan(15);
  });

  it('is free for all once no client has come for a while, also for who had to wait until then', async () => {
    const enough = 10 * MOST_READS;
    let reads = 0;
    const readAll = (): void => {
      while (reads < enough && mayReadOn(reader)) reads += 1;
    };
    const reader = {
      readOn: () => {
        setImmediate(readAll);
        return true;
      },
    };
    noteArrival();
    readAll();
    for (let turns = 0; turns < 200 && reads < enough; turns += 1) {
      reads = 0;
      await turn();
    }
    expect(reads).toBe(enough);
  });
});
