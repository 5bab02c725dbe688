import { describe, expect, it } from 'vitest';
import { composeGoingAway, FrameTracker } from '../../../proxy/exchange/frames.ts';

/** A binary frame. */
function encode(length: number, isMasked: boolean): Buffer {
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  head.writeUInt8(0x82, 0);
  if (head.length === 4) head.writeUInt16BE(length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2);
  const short = head.length === 2 ? length : head.length === 4 ? 126 : 127;
  head.writeUInt8(short + (isMasked ? 0x80 : 0), 1);
  return Buffer.concat([head, Buffer.alloc(isMasked ? 4 : 0, 0x7f), Buffer.alloc(length, 0xff)]);
}

describe('the tracker of frames', () => {
  it.each([
    [0, false],
    [0, true],
    [125, true],
    [126, false],
    [126, true],
    [65_535, false],
    [65_536, true],
    [70_000, false],
  ])('knows where a frame of %i bytes ends, masked: %s', (length, isMasked) => {
    const frame = encode(length, isMasked);
    for (const step of [1, 7, frame.length]) {
      const tracker = new FrameTracker();
      const ends: number[] = [];
      const bytes = Buffer.concat([frame, frame]);
      for (let at = 0; at < bytes.length; at += step) {
        tracker.note(bytes.subarray(at, at + step));
        if (tracker.isBetweenFrames) ends.push(Math.min(at + step, bytes.length));
      }
      const expected = [frame.length, bytes.length].filter((end) => end % step === 0 || end === bytes.length);
      expect(ends).toEqual(expected);
    }
  });
});

describe('the frame that says goodbye', () => {
  it('is a close with 1001', () => {
    expect([...composeGoingAway(false)]).toEqual([0x88, 2, 0x03, 0xe9]);
  });

  it('is masked where it goes to a server', () => {
    const [first, second, a = 0, b = 0, , , high = 0, low = 0] = composeGoingAway(true);
    expect([first, second, high ^ a, low ^ b]).toEqual([0x88, 0x82, 0x03, 0xe9]);
  });
});
