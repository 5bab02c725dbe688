// What a header of the PROXY protocol may be, by examples and by generated ones: valid, cut anywhere, and spoilt.
import { isIPv4 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseProxyHeader } from '../../../proxy/clients/proxy-header.ts';
import { composeBinary, composeText, SIGNATURE } from '../proxy-sender.ts';

const PART = { kind: 'part' };
const MALFORMED = { kind: 'malformed' };
const parse = (text: string) => parseProxyHeader(Buffer.from(text, 'latin1'));
const V4 = [...[203, 0, 113, 7], ...[10, 0, 0, 1], ...[0xdd, 0xd5], ...[0, 80]];

describe('version 1', () => {
  it.each([
    ['PROXY TCP4 203.0.113.7 10.0.0.1 56789 80', '203.0.113.7'],
    ['PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535', '255.255.255.255'],
    ['PROXY TCP4 0.0.0.0 0.0.0.0 0 0', '0.0.0.0'],
    ['PROXY TCP6 2001:DB8:0:0:0:0:0:7 ::1 1 2', '2001:db8::7'],
    [`PROXY TCP6 ${'ffff:'.repeat(7)}ffff ${'ffff:'.repeat(7)}ffff 65535 65535`, `${'ffff:'.repeat(7)}ffff`],
    ['PROXY TCP6 ::ffff:203.0.113.7 ::1 1 2', '203.0.113.7'],
    ['PROXY UNKNOWN', null],
    ['PROXY UNKNOWN ffff::1 whatever it says', null],
  ])('%s', (line, address) => {
    expect(parse(`${line}\r\nGET / HTTP/1.1\r\n`)).toEqual({
      kind: 'whole',
      length: line.length + 2,
      address,
    });
  });

  it.each([
    ['HTTP', 'GET / HTTP/1.1\r\n\r\n'],
    ['TLS', '\x16\x03\x01'],
    ['lower case', 'proxy TCP4 1.2.3.4 5.6.7.8 1 2\r\n'],
    ['another family', 'PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n'],
    ['no family', 'PROXY \r\n'],
    ['IPv6 for IPv4', 'PROXY TCP4 ::1 ::1 1 2\r\n'],
    ['IPv4 for IPv6', 'PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n'],
    ['no address', 'PROXY TCP4 somebody 5.6.7.8 1 2\r\n'],
    ['no address for the destination', 'PROXY TCP4 1.2.3.4 5.6.7 1 2\r\n'],
    ['zeros before a number', 'PROXY TCP4 01.2.3.4 5.6.7.8 1 2\r\n'],
    ['an interface', 'PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n'],
    ['brackets', 'PROXY TCP6 [::1] [::1] 1 2\r\n'],
    ['a port beyond 65535', 'PROXY TCP4 1.2.3.4 5.6.7.8 65536 2\r\n'],
    ['a port with a zero before it', 'PROXY TCP4 1.2.3.4 5.6.7.8 080 2\r\n'],
    ['a port that is none', 'PROXY TCP4 1.2.3.4 5.6.7.8 1 -2\r\n'],
    ['one port', 'PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n'],
    ['three ports', 'PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n'],
    ['two spaces', 'PROXY TCP4  1.2.3.4 5.6.7.8 1 2\r\n'],
    ['a space at the end', 'PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n'],
    ['a tab', 'PROXY TCP4\t1.2.3.4 5.6.7.8 1 2\r\n'],
    ['a line feed in the middle', 'PROXY UNKNOWN\nPROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n'],
    ['no end within 107 bytes', `PROXY UNKNOWN ${'x'.repeat(93)}`],
    ['an end behind the 107th byte', `PROXY UNKNOWN ${'x'.repeat(92)}\r\n`],
  ])('is refused: %s', (_name, text) => {
    expect(parse(text)).toEqual(MALFORMED);
  });

  it('may be 107 bytes long', () => {
    expect(parse(`PROXY UNKNOWN ${'x'.repeat(91)}\r\n`)).toMatchObject({ kind: 'whole', length: 107 });
  });
});

describe('version 2', () => {
  const of = (command: number, family: number, body: readonly number[], length = body.length) =>
    parseProxyHeader(
      Buffer.concat([SIGNATURE, Buffer.from([command, family, length >> 8, length & 255, ...body])]),
    );

  it.each([
    ['TCP over IPv4', 0x21, 0x11, V4, '203.0.113.7'],
    ['with more behind the addresses', 0x21, 0x11, [...V4, 0x04, 0, 1, 0], '203.0.113.7'],
    [
      'TCP over IPv6',
      0x21,
      0x21,
      [0x20, 0x01, 0x0d, 0xb8, ...Array(27).fill(0), 7, 0, 1, 0, 2],
      '2001:db8::',
    ],
    [
      'IPv4 within IPv6',
      0x21,
      0x21,
      [...Array(10).fill(0), 255, 255, 203, 0, 113, 7, ...Array(20).fill(0)],
      '203.0.113.7',
    ],
    ['of no known family', 0x21, 0x00, [], null],
    ['of no known family, with more', 0x21, 0x00, [1, 2, 3], null],
    ['of a socket of the file system', 0x21, 0x31, Array(216).fill(1), null],
    ['of the balancer itself', 0x20, 0x00, [], null],
    ['of the balancer itself, with addresses', 0x20, 0x11, V4, null],
    ['of the balancer itself, of a family that there is not', 0x20, 0xff, [1], null],
    ['as long as it may be', 0x21, 0x11, [...V4, ...Array(4_068).fill(0)], '203.0.113.7'],
  ])('%s', (_name, command, family, body, address) => {
    expect(of(command, family, body)).toEqual({ kind: 'whole', length: 16 + body.length, address });
  });

  it.each([
    ['another version', 0x11, 0x11, V4],
    ['another command', 0x22, 0x11, V4],
    ['UDP', 0x21, 0x12, V4],
    ['UDP over IPv6', 0x21, 0x22, Array(36).fill(0)],
    ['a family without a transport', 0x21, 0x10, V4],
    ['a family that there is not', 0x21, 0x41, V4],
    ['too short for IPv4', 0x21, 0x11, V4.slice(1)],
    ['too short for IPv6', 0x21, 0x21, Array(35).fill(0)],
    ['too short for a socket', 0x21, 0x31, Array(215).fill(0)],
    ['longer than anybody needs', 0x21, 0x11, [...V4, ...Array(4_069).fill(0)]],
  ])('is refused: %s', (_name, command, family, body) => {
    expect(of(command, family, body)).toEqual(MALFORMED);
  });

  it('is refused as soon as its length is told', () => {
    expect(of(0x21, 0x11, [], 11)).toEqual(MALFORMED);
    expect(of(0x20, 0x00, [], 4_081)).toEqual(MALFORMED);
    expect(of(0x20, 0x00, [], 4_080)).toEqual(PART);
  });

  it('is refused where its signature is broken, at any byte', () => {
    for (let at = 0; at < SIGNATURE.length; at += 1) {
      const broken = Buffer.from(SIGNATURE);
      broken[at] = 0x58;
      expect(parseProxyHeader(broken.subarray(0, at + 1)), `byte ${at}`).toEqual(MALFORMED);
    }
  });
});

const address = fc.oneof(fc.ipV4(), fc.ipV6());
const port = fc.integer({ min: 0, max: 65_535 });
const extra = fc.uint8Array({ maxLength: 300 });
const rest = fc.uint8Array({ maxLength: 80 });
/** Both ends are of the family of the first. */
const header = fc.tuple(address, port, port, fc.boolean(), extra).map(([source, from, to, isText, more]) => {
  const destination = isIPv4(source) ? '10.0.0.1' : '::1';
  const way = { source, destination, from, to };
  return isText ? composeText(way) : composeBinary(way, Buffer.from(more));
});

describe('any header', () => {
  it('is whole with its last byte and not before, however it was cut, and what follows is not looked at', () => {
    fc.assert(
      fc.property(header, rest, (bytes, behind) => {
        const whole = parseProxyHeader(bytes);
        expect(whole).toMatchObject({ kind: 'whole', length: bytes.length });
        for (let cut = 0; cut < bytes.length; cut += 1)
          expect(parseProxyHeader(bytes.subarray(0, cut))).toEqual(PART);
        expect(parseProxyHeader(Buffer.concat([bytes, behind]))).toEqual(whole);
      }),
    );
  });

  it('that is spoilt is refused, or says something else of itself: never is a byte taken twice', () => {
    fc.assert(
      fc.property(header, fc.nat(), fc.integer({ min: 1, max: 255 }), rest, (bytes, at, change, behind) => {
        const spoilt = Buffer.from(bytes);
        const place = at % spoilt.length;
        spoilt[place] = (spoilt[place] ?? 0) ^ change;
        const all = Buffer.concat([spoilt, behind]);
        const read = parseProxyHeader(all);
        if (read.kind === 'whole') expect(read.length).toBeLessThanOrEqual(all.length);
        let refused = false;
        for (let cut = 0; cut <= all.length; cut += 1) {
          const some = parseProxyHeader(all.subarray(0, cut));
          // What was refused once stays so, and what was whole stays the same.
          if (refused) expect(some).toEqual(MALFORMED);
          refused ||= some.kind === 'malformed';
          if (some.kind === 'whole') expect(read).toEqual(some);
        }
        if (refused) expect(read).toEqual(MALFORMED);
      }),
    );
  });

  it('that is no header at all is never taken for one', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 13, maxLength: 400 }), (noise) => {
        fc.pre(!Buffer.from(noise).subarray(0, 12).equals(SIGNATURE));
        fc.pre(Buffer.from(noise.subarray(0, 6)).toString('latin1') !== 'PROXY ');
        expect(parseProxyHeader(Buffer.from(noise))).toEqual(MALFORMED);
      }),
    );
  });

  it('of text, with one field too few, too many, or of another kind, is refused', () => {
    const word = fc.constantFrom(
      '',
      '-1',
      '65536',
      '00',
      '1.2.3',
      '1.2.3.4.5',
      '::g',
      'a b',
      '\t',
      'é',
      '1\r',
    );
    fc.assert(
      fc.property(header, fc.integer({ min: 1, max: 5 }), word, (bytes, place, bad) => {
        const line = bytes.toString('latin1');
        fc.pre(line.startsWith('PROXY'));
        const fields = line.trimEnd().split(' ');
        for (const spoilt of [
          fields.with(place, bad),
          fields.toSpliced(place, 1),
          fields.toSpliced(place, 0, bad),
        ])
          expect(parse(`${spoilt.join(' ')}\r\n`)).toEqual(MALFORMED);
      }),
    );
  });
});
