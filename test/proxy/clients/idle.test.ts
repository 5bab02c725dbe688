// What a connection holds that waits for its next request: little, whatever was said on it last.
import { connect, type Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, expect, it } from 'vitest';
import { entryOf, Rig, until } from '../rig.ts';

const CONNECTIONS = 100;
const LARGE_BYTES = 30_000;
/** A part of it: the target is in this process, and has its own. */
const MOST_BYTES = LARGE_BYTES / 2;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const rig = new Rig();
const open: Socket[] = [];
afterEach(async () => {
  for (const socket of open.splice(0)) socket.destroy();
  await rig.close();
});

/** Each asks once, with that much in a field, is answered, and stays. Returns how much the heap has grown by each. */
async function idle(port: number, bytes: number): Promise<number> {
  const text = `GET / HTTP/1.1\r\nHost: a\r\nX-Much: ${'x'.repeat(bytes)}\r\n\r\n`;
  const before = measure();
  let answered = 0;
  const mine = Array.from({ length: CONNECTIONS }, () => {
    const socket = connect(port, '127.0.0.1');
    socket.once('data', () => {
      answered += 1;
    });
    socket.write(text, 'latin1');
    return socket;
  });
  open.push(...mine);
  await until(() => answered === CONNECTIONS, 'all are answered');
  return (measure() - before) / CONNECTIONS;
}

function measure(): number {
  collect();
  return process.memoryUsage().heapUsed;
}

it('nothing of a large head is kept while its connection is idle', async () => {
  const target = await rig.target((_request, response) => response.end('ok'));
  const port = await rig.serve({ web: entryOf([target]) });
  await idle(port, 1);
  const small = await idle(port, 1);
  const large = await idle(port, LARGE_BYTES);
  expect(large - small).toBeLessThan(MOST_BYTES);
});
