// Lines that may not hold up anybody: written in order and whole, dropped and counted where nobody takes them.
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, write } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openBackgroundStream, type WriteInBackground } from '../../../src/telemetry/background-stream.ts';
import { waitFor } from '../../support/wait.ts';

/** Keeps what is written, and answers when it is told to. */
class Reader {
  readonly pieces: string[] = [];
  #done: Parameters<WriteInBackground>[1] | null = null;
  #bytes: Buffer = Buffer.alloc(0);

  readonly write: WriteInBackground = (bytes, done) => {
    this.#bytes = bytes;
    this.#done = done;
  };

  /** The first lines wait a moment for others. */
  async begin(): Promise<void> {
    await waitFor('something to be written', () => this.isAsked);
  }

  get isAsked(): boolean {
    return this.#done !== null;
  }

  take(most = Number.POSITIVE_INFINITY): void {
    const taken = this.#bytes.subarray(0, most);
    this.pieces.push(taken.toString());
    this.#answer(null, taken.length);
  }

  fail(code: string): void {
    this.#answer(Object.assign(new Error(code), { code }), 0);
  }

  #answer(error: Error | null, written: number): void {
    const done = this.#done;
    this.#done = null;
    done?.(error, written);
  }
}

describe('lines', () => {
  it('go out one after the other, those that came meanwhile together, in pieces that a pipe takes at once', async () => {
    const reader = new Reader();
    const stream = openBackgroundStream(reader.write);
    const lines = Array.from({ length: 100 }, (_, index) => `${index} ${'x'.repeat(100)}\n`);
    for (const line of lines) stream.write(line);
    await reader.begin();
    while (reader.isAsked) reader.take();
    expect(reader.pieces.join('')).toBe(lines.join(''));
    expect(reader.pieces.length).toBeLessThan(10);
    for (const piece of reader.pieces) {
      expect(piece.length).toBeLessThanOrEqual(4_096);
      expect(piece).toMatch(/\n$/);
    }
    expect(stream.trouble()).toBeNull();
  });

  it('that were taken in part go on where they broke off', async () => {
    const reader = new Reader();
    const stream = openBackgroundStream(reader.write);
    stream.write('one\n');
    stream.write('two\n');
    await reader.begin();
    reader.take(2);
    reader.take();
    expect(reader.pieces).toEqual(['on', 'e\ntwo\n']);
  });

  it('that a full pipe does not take wait for it', async () => {
    const reader = new Reader();
    const stream = openBackgroundStream(reader.write);
    stream.write('one\n');
    await reader.begin();
    reader.fail('EAGAIN');
    await reader.begin();
    reader.take();
    expect(reader.pieces).toEqual(['one\n']);
    expect(stream.trouble()).toBeNull();
  });
});

describe('a reader that takes nothing', () => {
  it('costs no more than so much memory, and is told how many lines are missing when it reads again', async () => {
    const reader = new Reader();
    const stream = openBackgroundStream(reader.write);
    const line = `${'x'.repeat(999)}\n`;
    for (let count = 0; count < 5_000; count += 1) stream.write(line);
    expect(stream.trouble()).toMatch(
      /^the access log cannot be written \(nobody reads it\): \d+ lines are lost$/,
    );
    await reader.begin();
    while (reader.isAsked) reader.take();
    const text = reader.pieces.join('');
    const kept = text.match(/x{999}\n/g)?.length ?? 0;
    const told = [...text.matchAll(/"lines":(\d+)/g)].map(([, lines]) => Number(lines));
    expect(kept).toBeGreaterThan(1_000);
    expect(kept).toBeLessThan(1_100);
    expect(told).toEqual([5_000 - kept]);
    expect(stream.trouble()).toBeNull();
  });

  it('is not waited for at the end for longer than a moment', async () => {
    const stream = openBackgroundStream(() => undefined);
    stream.write('one\n');
    await stream.close();
  });
});

it('what a full disk did not take is lost and counted, and the next line is tried anew', async () => {
  const reader = new Reader();
  const stream = openBackgroundStream(reader.write);
  stream.write('one\n');
  await reader.begin();
  reader.fail('ENOSPC');
  expect(stream.trouble()).toMatch(/\(ENOSPC\): 1 lines/);
  stream.write('two\n');
  await reader.begin();
  reader.take();
  expect(reader.pieces.join('')).toMatch(/^\{.*"lines":1,"why":"ENOSPC".*\}\ntwo\n$/);
  expect(stream.trouble()).toBeNull();
});

it('the end waits for what is under way', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-background-'));
  const path = join(folder, 'log');
  const descriptor = openSync(path, 'a');
  const stream = openBackgroundStream((bytes, done) => write(descriptor, bytes, done));
  for (let count = 0; count < 1_000; count += 1) stream.write(`${count}\n`);
  await stream.close();
  expect(readFileSync(path, 'utf8').trimEnd().split('\n')).toHaveLength(1_000);
  closeSync(descriptor);
  rmSync(folder, { recursive: true });
});
