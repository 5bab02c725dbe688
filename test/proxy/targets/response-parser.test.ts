import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ResponseParser } from '../../../proxy/targets/response-parser.ts';
import { arbitraryCut, mutate } from '../mutations.ts';
import { cutInto, readByNode, readHere } from '../two-readers.ts';

const RUNS = Number(process.env.RUNS ?? 1_000);
const TIMEOUT_MS = 60_000 + RUNS * 50;

const OK = 'HTTP/1.1 200 OK\r\n';
const TWO = 'Content-Length: 2\r\n';
const CHUNKED = 'Transfer-Encoding: chunked\r\n';
const WHOLE = `${OK}${TWO}\r\nok`;

/** In one piece, byte by byte, and in two pieces cut at every place. */
function cutsOf(text: string): Buffer[][] {
  const places = Array.from({ length: text.length }, (_, index) => index);
  const halves = text.length < 300 ? places.map((place) => cutInto(text, [place])) : [];
  return [cutInto(text, []), cutInto(text, places), ...halves];
}

function expectEach(text: string, expected: object, method = 'GET', isEnded = false): void {
  for (const pieces of cutsOf(text)) expect(readHere(pieces, method, isEnded)).toMatchObject(expected);
}

describe('a response is refused, wherever it is cut, for', () => {
  const many = (count: number): string => 'X: y\r\n'.repeat(count);
  it.each([
    ['another protocol', 'ICY 200 OK\r\n\r\n'],
    ['another protocol, by its first bytes', 'SSH-2.0-x'],
    ['nothing that begins like a response', '\r\nHTTP/1.1 200 OK\r\n\r\n'],
    ['a version of its own', `HTTP/1.2 200 OK\r\n${TWO}\r\nok`],
    ['HTTP/2', `HTTP/2.0 200 OK\r\n${TWO}\r\nok`],
    ['HTTP/0.9', `HTTP/0.9 200 OK\r\n${TWO}\r\nok`],
    ['a name in lower case', `http/1.1 200 OK\r\n${TWO}\r\nok`],
    ['two spaces before the status', `HTTP/1.1  200 OK\r\n${TWO}\r\nok`],
    ['a tab before the status', `HTTP/1.1\t200 OK\r\n${TWO}\r\nok`],
    ['a status of two digits', `HTTP/1.1 20 OK\r\n${TWO}\r\nok`],
    ['a status of four digits', `HTTP/1.1 2000 OK\r\n${TWO}\r\nok`],
    ['a status below 100', `HTTP/1.1 099 OK\r\n${TWO}\r\nok`],
    ['a control character in its text', `HTTP/1.1 200 O\x01K\r\n${TWO}\r\nok`],
    ['DEL in its text', `HTTP/1.1 200 O\x7fK\r\n${TWO}\r\nok`],
    ['NUL in its text', `HTTP/1.1 200 O\0K\r\n${TWO}\r\nok`],
    ['a bare line feed behind the line', `HTTP/1.1 200 OK\n${TWO}\r\nok`],
    ['a bare carriage return behind the line', `HTTP/1.1 200 OK\r${TWO}\r\nok`],
    ['a field without a colon', `${OK}X\r\n${TWO}\r\nok`],
    ['a field without a name', `${OK}: x\r\n${TWO}\r\nok`],
    ['a space before a colon', `${OK}X : y\r\n${TWO}\r\nok`],
    ['a tab before a colon', `${OK}X\t: y\r\n${TWO}\r\nok`],
    ['a space in a name', `${OK}X Y: z\r\n${TWO}\r\nok`],
    ['a name beyond ASCII', `${OK}X\xe4: y\r\n${TWO}\r\nok`],
    ['a name with a bracket', `${OK}X(: y\r\n${TWO}\r\nok`],
    ['a space before the first name', `${OK} X: y\r\n${TWO}\r\nok`],
    ['a folded field', `${OK}X: y\r\n z\r\n${TWO}\r\nok`],
    ['a field folded by a tab', `${OK}X: y\r\n\tz\r\n${TWO}\r\nok`],
    ['a bare line feed in a field', `${OK}X: y\nZ: 1\r\n${TWO}\r\nok`],
    ['a bare carriage return in a field', `${OK}X: y\rZ: 1\r\n${TWO}\r\nok`],
    ['NUL in a field', `${OK}X: \0\r\n${TWO}\r\nok`],
    ['a control character in a field', `${OK}X: \x0b\r\n${TWO}\r\nok`],
    ['DEL in a field', `${OK}X: \x7f\r\n${TWO}\r\nok`],
    ['two bare line feeds at its end', `${OK}${TWO}\n\nok`],
    ['a head that is too large', `${OK}X: ${'y'.repeat(16_384)}`],
    ['a head that is too large, in its end', `${OK}${many(2_800)}\r\n`],
    ['too many fields', `${OK}${'a:\r\n'.repeat(2_001)}\r\n`],
    ['a bare carriage return behind the last chunk', `${OK}${CHUNKED}\r\n0\rXY: z\r\n\r\n`],
    ['two lengths', `${OK}${TWO}Content-Length: 3\r\n\r\nok`],
    ['two equal lengths', `${OK}${TWO}${TWO}\r\nok`],
    ['two lengths in one field', `${OK}Content-Length: 2, 2\r\n\r\nok`],
    ...['', '+2', '-2', '2.0', '0x2', 'two', '2 2', '2;', '1e1', '1'.repeat(16)].map((length) => [
      `the length ${JSON.stringify(length)}`,
      `${OK}Content-Length: ${length}\r\n\r\nok`,
    ]),
    ['a length and chunks', `${OK}${TWO}${CHUNKED}\r\n0\r\n\r\n`],
    ['chunks and a length', `${OK}${CHUNKED}${TWO}\r\n0\r\n\r\n`],
    ...['', 'gzip', 'identity', 'gzip, chunked', 'chunked, gzip', ',chunked', 'chunked;q=1', '"chunked"'].map(
      (coding) => [
        `the coding ${JSON.stringify(coding)}`,
        `${OK}Transfer-Encoding: ${coding}\r\n\r\n0\r\n\r\n`,
      ],
    ),
    ['chunked twice', `${OK}${CHUNKED}${CHUNKED}\r\n0\r\n\r\n`],
    ['chunks in HTTP/1.0', `HTTP/1.0 200 OK\r\n${CHUNKED}\r\n0\r\n\r\n`],
    ...[
      '',
      '0x2',
      '+2',
      '-2',
      ' 2',
      '2 ',
      '2 ;a',
      'g',
      '\n',
      '2\n',
      '1'.repeat(14),
      `2;${'a'.repeat(1_025)}`,
    ].map((size) => [
      `the chunk size ${JSON.stringify(size).slice(0, 20)}`,
      `${OK}${CHUNKED}\r\n${size}\r\nok\r\n0\r\n\r\n`,
    ]),
    ['an extension with a line feed', `${OK}${CHUNKED}\r\n2;a\nb\r\nok\r\n0\r\n\r\n`],
    ['an extension with NUL', `${OK}${CHUNKED}\r\n2;\0\r\nok\r\n0\r\n\r\n`],
    ['a size without its line feed', `${OK}${CHUNKED}\r\n2\rok\r\n0\r\n\r\n`],
    ['a chunk that is too long', `${OK}${CHUNKED}\r\n2\r\noky\r\n0\r\n\r\n`],
    ['a chunk that ends with a line feed', `${OK}${CHUNKED}\r\n2\r\nok\n0\r\n\r\n`],
    ['a chunk without its line feed', `${OK}${CHUNKED}\r\n2\r\nok\r0\r\n\r\n`],
    ['a last chunk without a line', `${OK}${CHUNKED}\r\n2\r\nok\r\n0\r\rx`],
    ['a trailer that is none', `${OK}${CHUNKED}\r\n0\r\nX\r\n\r\n`],
    ['a folded trailer', `${OK}${CHUNKED}\r\n0\r\nX: y\r\n z\r\n\r\n`],
    ['a trailer with a bare line feed', `${OK}${CHUNKED}\r\n0\r\nX: y\nZ: 1\r\n\r\n`],
    ['trailers that are too large', `${OK}${CHUNKED}\r\n0\r\n${many(2_800)}\r\n`],
    ['an interim response with chunks', `HTTP/1.1 103 Hints\r\n${CHUNKED}\r\n0\r\n\r\n${WHOLE}`],
    ['an interim response with a length', `HTTP/1.1 100 Go\r\n${TWO}\r\nok${WHOLE}`],
    ['an interim response that closes', `HTTP/1.1 100 Go\r\nConnection: close\r\n\r\n${WHOLE}`],
    ['an interim response of HTTP/1.0', `HTTP/1.0 100 Go\r\n\r\n${WHOLE}`],
    ['101 that names no protocol', 'HTTP/1.1 101 Over\r\nConnection: Upgrade\r\n\r\n'],
    ['101 for others than the connection', 'HTTP/1.1 101 Over\r\nUpgrade: x\r\n\r\n'],
    ['too many interim responses', `${'HTTP/1.1 102 Wait\r\n\r\n'.repeat(101)}${WHOLE}`],
  ])('%s', (_name, text = '') => {
    expectEach(text, { end: 'refused', keepMs: 0 });
  });
});

describe('a response is read, wherever it is cut:', () => {
  const read = { status: 200, reason: 'OK', end: 'whole', trailers: [], interim: [] };
  const kept = Number.POSITIVE_INFINITY;
  it.each<[string, string, object]>([
    ['counted', WHOLE, { ...read, body: 'ok', fields: ['Content-Length', '2'], keepMs: kept }],
    ['of no length', `${OK}Content-Length: 0\r\n\r\n`, { ...read, body: '', keepMs: kept }],
    ['without a text', `HTTP/1.1 200 \r\n${TWO}\r\nok`, { ...read, reason: '', body: 'ok' }],
    ['without a space before its text', `HTTP/1.1 200\r\n${TWO}\r\nok`, { ...read, reason: '', body: 'ok' }],
    [
      'with zeros before its length',
      `${OK}Content-Length: 002\r\n\r\nok`,
      { ...read, fields: ['Content-Length', '2'] },
    ],
    [
      'with blanks around its values',
      `${OK}X:\t y \t\r\nEmpty:\r\nBlank: \r\ncontent-length:2\r\n\r\nok`,
      { fields: ['X', 'y', 'Empty', '', 'Blank', '', 'content-length', '2'], body: 'ok', end: 'whole' },
    ],
    [
      'beyond ASCII',
      `HTTP/1.1 200 \xc4\r\nX: \xff\xa0\r\n${TWO}\r\n\0\xff`,
      { reason: '\xc4', body: '\0\xff' },
    ],
    [
      'in chunks',
      `${OK}${CHUNKED}\r\n2\r\nok\r\n00A;a="b"\r\n0123456789\r\n0\r\n\r\n`,
      { ...read, body: 'ok0123456789', keepMs: kept },
    ],
    ['in no chunks', `${OK}Transfer-Encoding: CHUNKED\r\n\r\n000\r\n\r\n`, { ...read, body: '' }],
    [
      'with trailers',
      `${OK}${CHUNKED}\r\n0;x\r\nX: y\r\nZ:1\r\n\r\n`,
      { ...read, trailers: ['X', 'y', 'Z', '1'] },
    ],
    [
      'behind interim responses',
      `HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 103 Hints\r\nX: y\r\n\r\n${WHOLE}`,
      { interim: [100, 103], body: 'ok' },
    ],
    ['with more behind it', `${WHOLE}x`, { ...read, body: 'ok', keepMs: 0 }],
    ['with another behind it', `${OK}${CHUNKED}\r\n0\r\n\r\n${WHOLE}`, { ...read, body: '', keepMs: 0 }],
    ['of 204', 'HTTP/1.1 204 No\r\n\r\n', { status: 204, body: '', end: 'whole', keepMs: kept }],
    [
      'of 204 that announces a body',
      `HTTP/1.1 204 No\r\n${CHUNKED}\r\n`,
      { status: 204, end: 'whole', keepMs: 0 },
    ],
    [
      'of 304 with a length',
      `HTTP/1.1 304 Same\r\n${TWO}\r\n`,
      { status: 304, body: '', end: 'whole', keepMs: kept },
    ],
    ['that closes', `${OK}${TWO}Connection: x, Close\r\n\r\nok`, { ...read, body: 'ok', keepMs: 0 }],
    ['of HTTP/1.0', `HTTP/1.0 200 OK\r\n${TWO}\r\nok`, { ...read, body: 'ok', keepMs: 0 }],
    [
      'of HTTP/1.0 that stays',
      `HTTP/1.0 200 OK\r\n${TWO}Connection: Keep-Alive\r\n\r\nok`,
      { ...read, keepMs: kept },
    ],
    [
      'that stays for a while',
      `${OK}${TWO}Keep-Alive: timeout=5, max=9\r\n\r\nok`,
      { ...read, keepMs: 4_000 },
    ],
    ['that stays for a moment', `${OK}${TWO}Keep-Alive: timeout=1\r\n\r\nok`, { ...read, keepMs: 0 }],
    [
      'cut in its body',
      `${OK}Content-Length: 3\r\n\r\nok`,
      { status: 200, body: 'ok', end: 'cut', keepMs: 0 },
    ],
    [
      'cut in its chunks',
      `${OK}${CHUNKED}\r\n2\r\nok\r\n0\r\n`,
      { status: 200, body: 'ok', end: 'cut', keepMs: 0 },
    ],
    [
      'that goes over',
      'HTTP/1.1 101 Over\r\nConnection: x, Upgrade\r\nUpgrade: x\r\n\r\n',
      { status: 101, end: 'switched', keepMs: 0 },
    ],
  ])('%s', (_name, text, expected) => {
    expectEach(text, expected);
  });

  it('to HEAD, which has a length and no body', () => {
    expectEach(`${OK}${TWO}\r\n`, { ...read, body: '', keepMs: kept }, 'HEAD');
    expectEach(`${OK}${CHUNKED}\r\n`, { ...read, body: '', keepMs: kept }, 'HEAD');
  });

  it('up to the end of the connection, and only there', () => {
    expectEach(`${OK}\r\nok`, { ...read, body: 'ok', keepMs: 0 }, 'GET', true);
    expectEach(`${OK}\r\nok`, { status: 200, body: 'ok', end: 'cut' });
    expectEach(WHOLE.slice(0, -1), { end: 'cut' }, 'GET', true);
  });

  it('without a copy of its body', () => {
    const bytes = Buffer.from(`${OK}Content-Length: 4\r\n\r\nbody`);
    const [head, body] = [bytes.subarray(0, -4), bytes.subarray(-4)];
    let seen: Buffer | null = null;
    const ignore = (): void => undefined;
    const parser = new ResponseParser();
    const onBody = (piece: Buffer): void => {
      seen = piece;
    };
    parser.begin('GET', { onInformation: ignore, onHead: ignore, onSwitch: ignore, onEnd: ignore, onBody });
    parser.read(head);
    parser.read(body);
    expect(seen).toBe(body);
  });

  it('no further than somebody wants to know', () => {
    const told: string[] = [];
    const parser = new ResponseParser();
    parser.begin('GET', {
      onInformation: () => told.push('information'),
      onHead: () => {
        told.push('head');
        parser.stop();
      },
      onBody: () => told.push('body'),
      onEnd: () => told.push('end'),
      onSwitch: () => told.push('switch'),
    });
    expect(parser.read(Buffer.from(WHOLE))).toBe(true);
    expect({ told, keepMs: parser.keepMs }).toEqual({ told: ['head'], keepMs: 0 });
  });
});

const token = fc.string({ unit: fc.constantFrom(..."aZ09-_.!#$%&'*+^`|~"), minLength: 1, maxLength: 8 });
const text = fc.string({ unit: fc.constantFrom(...'aZ0 \t"=,;:/\xe4\xff'), maxLength: 12 });
const bytes = fc.string({ unit: fc.constantFrom(...'aZ0\r\n:;\0\xff'), maxLength: 40 });
const field = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(token, text).map(([name, value]) => `${name}: ${value}\r\n`) },
  fc.constantFrom('Connection: close\r\n', 'Connection: keep-alive\r\n', 'Keep-Alive: timeout=5\r\n'),
);
const fields = fc.array(field, { maxLength: 4 }).map((list) => list.join(''));
const status = fc.constantFrom(200, 200, 200, 404, 500, 204, 304, 299, 999);
const line = fc
  .tuple(fc.constantFrom('1', '1', '1', '0'), status, text)
  .map(([minor, code, reason]) => `HTTP/1.${minor} ${code} ${reason}\r\n`);
const interim = fc
  .tuple(fc.constantFrom(100, 102, 103), fields)
  .map(([code, list]) => `HTTP/1.1 ${code} x\r\n${list}\r\n`);
const extension = fc.constantFrom('', '', ';a', ';a=b', ';a="b c"');
const chunks = fc
  .tuple(fc.array(fc.tuple(bytes, extension), { maxLength: 4 }), fields)
  .map(([list, trailers]) => {
    const parts = list
      .filter(([piece]) => piece !== '')
      .map(([piece, more]) => `${piece.length.toString(16)}${more}\r\n${piece}\r\n`);
    return `${CHUNKED}\r\n${parts.join('')}0\r\n${trailers}\r\n`;
  });
const counted = bytes.map((body) => `Content-Length: ${body.length}\r\n\r\n${body}`);
const untilClose = bytes.map((body) => `\r\n${body}`);
const response = fc
  .tuple(fc.array(interim, { maxLength: 2 }), line, fields, fc.oneof(counted, chunks, untilClose))
  .map(([before, first, list, rest]) => `${before.join('')}${first}${list}${rest}`);

const cut = arbitraryCut(
  TWO,
  CHUNKED,
  '0\r\n\r\n',
  WHOLE,
  'HTTP/1.1 100 x\r\n\r\n',
  'HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
);
const mutated = fc
  .tuple(response, fc.array(cut, { maxLength: 3 }))
  .map(([whole, cuts]) => mutate(whole, cuts));
const places = fc.array(fc.nat({ max: 300 }), { maxLength: 6 });
const method = fc.constantFrom('GET', 'GET', 'GET', 'HEAD');

/** Without what is refused on purpose: an end behind an interim response, and chunks in HTTP/1.0. */
const wellFormed = response.filter(
  (all) =>
    !/^(HTTP\/1.1 1[\s\S]*?\r\n\r\n)*HTTP\/1.1 1(?:(?!\r\n\r\n)[\s\S])*\r\nConnection: close/.test(all) &&
    !(all.includes('HTTP/1.0') && all.includes(CHUNKED)),
);

describe('whatever comes', () => {
  it(
    'is read when it is well-formed',
    () => {
      const property = fc.property(wellFormed, places, (all, cuts) => {
        expect(readHere(cutInto(all, cuts), 'GET', true)).toMatchObject({ end: 'whole' });
      });
      fc.assert(property, { numRuns: RUNS * 5 });
    },
    TIMEOUT_MS,
  );

  it(
    'is read in the same way wherever it is cut',
    () => {
      const property = fc.property(mutated, places, method, fc.boolean(), (all, cuts, asked, isEnded) => {
        const whole = readHere(cutInto(all, []), asked, isEnded);
        const cut = readHere(cutInto(all, cuts), asked, isEnded);
        const bytewise = readHere(
          cutInto(
            all,
            [...all].map((_, index) => index),
          ),
          asked,
          isEnded,
        );
        // Behind 101 it is for the socket to pass on what is still to come.
        const isOver = whole.end === 'switched';
        expect(isOver ? { ...cut, body: whole.body } : cut).toEqual(whole);
        expect(isOver ? { ...bytewise, body: whole.body } : bytewise).toEqual(whole);
      });
      fc.assert(property, { numRuns: RUNS * 5 });
    },
    TIMEOUT_MS,
  );

  it(
    'is what node understands, or is refused',
    async () => {
      const agreed = { whole: 0, refused: 0, stricter: 0 };
      const property = fc.asyncProperty(mutated, places, method, async (all, cuts, asked) => {
        const pieces = cutInto(all, cuts);
        const { keepMs: _, ...here } = readHere(pieces, asked, true);
        const there = await readByNode(pieces, asked, true);
        if (here.end === 'whole' || here.end === 'switched') {
          expect(here).toEqual({ ...there, fields: there.fields.map(plainLength(there.fields)) });
          agreed.whole += 1;
        } else if (there.end === 'whole' || there.end === 'switched') agreed.stricter += 1;
        else agreed.refused += 1;
      });
      await fc.assert(property, { numRuns: RUNS });
      expect(agreed.whole).toBeGreaterThan(RUNS / 4);
      expect(agreed.refused).toBeGreaterThan(RUNS / 20);
    },
    TIMEOUT_MS,
  );
});

/** The one value that is not passed on as it came. */
function plainLength(fields: readonly string[]): (text: string, index: number) => string {
  return (value, index) =>
    index % 2 === 1 && fields[index - 1]?.toLowerCase() === 'content-length' ? String(Number(value)) : value;
}
