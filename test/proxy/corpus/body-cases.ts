// How a body is framed: by a length, by chunks, or ambiguously. Texts only.
import {
  type Case,
  CHUNKED,
  CLOSE,
  chunkOf,
  chunks,
  HOST,
  INNER,
  LAST,
  passes,
  post,
  refused,
} from './case.ts';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'PURGE'];

/** Whatever the method, a body is its body and nothing else. */
const METHOD_CASES = METHODS.flatMap((method): Case[] => {
  const head = `${method} /one HTTP/1.1\r\n${HOST}${CLOSE}`;
  return [
    passes(`${method} without a body`, `${head}\r\n`, `${method} /one`),
    passes(`${method} of length 0`, `${head}Content-Length: 0\r\n\r\n`, `${method} /one`),
    passes(
      `${method} with a request as its counted body`,
      `${head}Content-Length: ${INNER.length}\r\n\r\n${INNER}`,
      `${method} /one ${INNER}`.trimEnd(),
    ),
    passes(
      `${method} with a request as its chunked body`,
      `${head}${CHUNKED}\r\n${chunkOf(INNER)}${LAST}`,
      `${method} /one ${INNER}`.trimEnd(),
    ),
  ];
});

const LENGTH_CASES = [
  ...['+3', '-3', '3abc', '0x3', '3, 3', '3,3', '3 3', '', '3.0', '1e1', '\xa03', '3\xa0', '３'].map(
    (value) => refused(`length ${JSON.stringify(value)}`, post(`Content-Length: ${value}\r\n`, 'abc')),
  ),
  ...['18446744073709551619', '9223372036854775808', '99999999999999999999999'].map((value) =>
    refused(`length ${value}`, post(`Content-Length: ${value}\r\n`, 'abc')),
  ),
  passes('length with zeros before it', post('Content-Length: 003\r\n', 'abc'), 'POST /one abc'),
  passes('length 00', post('Content-Length: 00\r\n'), 'POST /one'),
  passes('length with space around it', post('Content-Length: \t 3 \t\r\n', 'abc'), 'POST /one abc'),
  refused('two lengths', post('Content-Length: 3\r\nContent-Length: 30\r\n', 'abc')),
  refused('two equal lengths', post('Content-Length: 3\r\nContent-Length: 3\r\n', 'abc')),
  refused('a folded length', post('Content-Length:\r\n 3\r\n', 'abc')),
  passes('a length in disguise', post('Content-Length: 3\r\nContent_Length: 30\r\n', 'abc'), 'POST /one abc'),
  passes(
    'a length that Connection names',
    post('Connection: content-length\r\nContent-Length: 3\r\n', 'abc'),
    'POST /one abc',
  ),
];

const CODING_CASES = [
  ...[
    'gzip',
    'identity',
    'chunked, identity',
    'gzip, chunked',
    ',chunked',
    'chunked,',
    'chunked, chunked',
  ].map((value) => refused(`coding ${JSON.stringify(value)}`, post(`Transfer-Encoding: ${value}\r\n`, LAST))),
  ...[
    'xchunked',
    'chunkedx',
    'chunked;q=1',
    '"chunked"',
    '\xa0chunked',
    'chunked\xa0',
    'chunked\x0b',
    '\x0cchunked',
  ].map((value) => refused(`coding ${JSON.stringify(value)}`, post(`Transfer-Encoding: ${value}\r\n`, LAST))),
  refused('coding and length', post(`${CHUNKED}Content-Length: 5\r\n`, LAST)),
  refused('length and coding', post(`Content-Length: 5\r\n${CHUNKED}`, LAST)),
  refused('an unknown coding and a length', post('Transfer-Encoding: x\r\nContent-Length: 3\r\n', 'abc')),
  refused('two codings', post(`${CHUNKED}${CHUNKED}`, LAST)),
  refused('two codings that differ', post(`${CHUNKED}Transfer-Encoding: identity\r\n`, LAST)),
  refused('space before its colon', post('Transfer-Encoding : chunked\r\n', LAST)),
  refused('a tab before its colon', post('Transfer-Encoding\t: chunked\r\n', LAST)),
  refused('space before its name', `POST /one HTTP/1.1\r\n ${CHUNKED}${HOST}${CLOSE}\r\n${LAST}`),
  refused('a folded coding', post('Transfer-Encoding:\r\n chunked\r\n', LAST)),
  refused('behind a bare line feed', post('X: y\nTransfer-Encoding: chunked\r\n', LAST)),
  refused('behind a bare carriage return', post('X: y\rTransfer-Encoding: chunked\r\n', LAST)),
  refused('NUL in its name', post('Transfer-Encoding\0: chunked\r\n', LAST)),
  refused('NUL in its value', post('Transfer-Encoding: chunked\0\r\n', LAST)),
  refused('in HTTP/1.0', `POST /one HTTP/1.0\r\n${HOST}${CHUNKED}\r\n${LAST}`),
  passes('in another case', post('tRANSFER-eNCODING: CHUNKED\r\n', chunkOf('abc') + LAST), 'POST /one abc'),
  passes(
    'with a tab before it',
    post('Transfer-Encoding:\tchunked\r\n', chunkOf('abc') + LAST),
    'POST /one abc',
  ),
  passes(
    'that Connection names',
    post(`Connection: transfer-encoding\r\n${CHUNKED}`, chunkOf('abc') + LAST),
    'POST /one abc',
  ),
  passes('in disguise', post('Transfer_Encoding: chunked\r\nContent-Length: 3\r\n', 'abc'), 'POST /one abc'),
];

const CHUNK_CASES = [
  ...['0x3', '+3', '-3', '3 3', ' 3', '3g', '', '0_3', '1ffffffffffffffff', 'fffffffffffffffff'].map((size) =>
    refused(`chunk size ${JSON.stringify(size)}`, chunks(`${size}\r\nabc\r\n`, LAST)),
  ),
  refused('a chunk that is longer than it says', chunks('3\r\nabcd\r\n', LAST)),
  refused('a chunk without its end', chunks('3\r\nabc', LAST)),
  refused('chunks with bare line feeds', chunks('3\nabc\n0\n\n')),
  refused('a bare line feed behind a size', chunks('3\nabc\r\n', LAST)),
  refused('a bare line feed behind a chunk', chunks('3\r\nabc\n', LAST)),
  refused('a bare carriage return behind a size', chunks('3\rabc\r\n', LAST)),
  refused('a bare line feed in an extension', chunks('3;a\n\r\nabc\r\n', LAST)),
  refused('NUL in an extension', chunks('3;a=\0\r\nabc\r\n', LAST)),
  refused('a trailer without a colon', chunks('3\r\nabc\r\n0\r\nX\r\n\r\n')),
  refused('a folded trailer', chunks('3\r\nabc\r\n0\r\nX: 1\r\n 2\r\n\r\n')),
  passes('zeros before a size', chunks('0003\r\nabc\r\n000\r\n\r\n'), 'POST /one abc'),
  passes(
    'sizes in both cases',
    chunks('0a\r\n0123456789\r\n0A\r\n0123456789\r\n', LAST),
    'POST /one 01234567890123456789',
  ),
  passes('extensions', chunks('3;a=1;b="c"\r\nabc\r\n0;d\r\n\r\n'), 'POST /one abc'),
  passes('a trailer', chunks('3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n'), 'POST /one abc'),
  refused('a length in trailers', chunks('3\r\nabc\r\n0\r\nContent-Length: 9\r\n\r\n')),
  refused('a coding in trailers', chunks(`3\r\nabc\r\n0\r\n${CHUNKED}\r\n`)),
];

export const BODY_CASES: readonly Case[] = [
  ...METHOD_CASES,
  ...LENGTH_CASES,
  ...CODING_CASES,
  ...CHUNK_CASES,
];
