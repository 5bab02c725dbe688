// Messages as somebody would send them who looks for a parser's weak point: a few bytes left out of a good one, and others
// put in their place.
import fc from 'fast-check';

/** What parsers have stumbled over. */
export const BITS = [
  ...['\r', '\n', '\r\n', '\r\n\r\n', ' ', '\t', '\0', '\x0b', '\xa0'],
  ...[':', ';', ',', '0', '1', '-', '+', 'x', '"'],
];

export interface Cut {
  /** Where, as a share of the text. */
  readonly at: number;
  readonly drop: number;
  readonly put: string;
}

/** `more`: bits of the protocol beside those that trouble any parser. */
export function arbitraryCut(...more: readonly string[]): fc.Arbitrary<Cut> {
  return fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    drop: fc.nat({ max: 4 }),
    put: fc.constantFrom('', ...BITS, ...more),
  });
}

export function mutate(text: string, cuts: readonly Cut[]): string {
  return cuts.reduce((before, { at, drop, put }) => {
    const index = Math.floor(at * before.length);
    return before.slice(0, index) + put + before.slice(index + drop);
  }, text);
}
