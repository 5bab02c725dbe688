import { describe, expect, it } from 'vitest';
import { parseRequestHead, type RequestLines } from '../../../proxy/clients/request-head.ts';

function parse(version: string, ...fields: string[]): RequestLines {
  const lines = parseRequestHead(
    `GET / HTTP/${version}\r\n${fields.map((field) => `${field}\r\n`).join('')}\r\n`,
  );
  if (typeof lines === 'string') throw new Error(lines);
  return lines;
}

describe('whether the connection is kept', () => {
  it.each([
    ['1.1', [], true],
    ['1.1', ['Connection: Close'], false],
    ['1.1', ['Connection: x', 'Connection: y , close'], false],
    ['1.0', [], false],
    ['1.0', ['Connection: Keep-Alive'], true],
    // `close` has the last word (RFC 9112 9.3).
    ['1.0', ['Connection: keep-alive, close'], false],
    ['1.1', ['Connection: keep-alive, close'], false],
  ] as const)('in %s with %j: %s', (version, fields, isKept) => {
    expect(parse(version, ...fields).block.isKept).toBe(isKept);
  });
});
