// Request lines, fields, and requests in a row. Texts only.
import { type Case, CHUNKED, CLOSE, chunkOf, get, HOST, INNER, LAST, passes, post, refused } from './case.ts';

const LINE_CASES = [
  ...['GET /one HTTP/1.1 ', ' GET /one HTTP/1.1', 'GET\t/one HTTP/1.1'].map((line) =>
    refused(`the line ${JSON.stringify(line)}`, `${line}\r\n${HOST}${CLOSE}\r\n`),
  ),
  ...[
    'GET /one',
    'GET /a b HTTP/1.1',
    'GET /\0 HTTP/1.1',
    'GET one HTTP/1.1',
    'GET HTTP/1.1',
    'G<T /one HTTP/1.1',
  ].map((line) => refused(`the line ${JSON.stringify(line)}`, `${line}\r\n${HOST}${CLOSE}\r\n`)),
  ...[
    'HTTP/0.9',
    'HTTP/1.2',
    'HTTP/1.10',
    'HTTP/11.1',
    'HTTP/2.0',
    'HTTP/3.0',
    'http/1.1',
    'HTTPS/1.1',
    'HTTP/1',
    'HTTP/ 1.1',
  ].map((version) => refused(`the version ${version}`, get(HOST, '/one', version))),
  refused('a method in lower case', `get /one HTTP/1.1\r\n${HOST}${CLOSE}\r\n`),
  refused('a bare line feed behind the line', `GET /one HTTP/1.1\n${HOST}${CLOSE}\r\n`),
  refused('a bare carriage return behind the line', `GET /one HTTP/1.1\r${HOST}${CLOSE}\r\n`),
  refused('CONNECT', `CONNECT a:443 HTTP/1.1\r\n${HOST}\r\n`),
  refused('* for a GET', get(HOST, '*')),
  passes('* for OPTIONS', `OPTIONS * HTTP/1.1\r\n${HOST}${CLOSE}\r\n`, 'OPTIONS *'),
  refused('two spaces behind its method', `GET  /one HTTP/1.1\r\n${HOST}${CLOSE}\r\n`),
  passes('an empty line before it', `\r\n${get(HOST)}`, 'GET /one'),
  passes('two slashes', get(HOST, '//b/one'), 'GET //b/one'),
  passes('absolute form', get(HOST, 'http://a/one?x'), 'GET /one?x'),
  passes('absolute form without a path', get(HOST, 'http://a'), 'GET /'),
  ...['http://b/one', 'http://u@a/one', 'http://a:x/one', 'ftp://a/one', 'http:///one', 'a:80'].map(
    (target) => refused(`the target ${target}`, get(HOST, target)),
  ),
];

const FIELD_CASES = [
  ...[
    '',
    `${HOST}${HOST}`,
    `${HOST}Host: b\r\n`,
    'Host: a/b\r\n',
    'Host: u@a\r\n',
    'Host: a, b\r\n',
    'Host: a:8x\r\n',
    'Host: a b\r\n',
    'Host : a\r\n',
    'Host: a\0\r\n',
    'Host: \xa0a\r\n',
    'Host:\r\n a\r\n',
  ].map((fields) => refused(`the host ${JSON.stringify(fields)}`, get(fields))),
  ...[
    'X A: 1',
    'X-A : 1',
    ': 1',
    'X-A',
    'X\x80: 1',
    'X(: 1',
    'X\0: 1',
    'X: \0',
    'X: 1\r',
    'X: 1\r 2',
    'X: 1\r\n 2',
    'X: 1\n2',
    'X: \x7f',
    'X: \x01',
  ].map((field) => refused(`the field ${JSON.stringify(field)}`, get(`${HOST}${field}\r\n`))),
  passes('a value of 0xA0 and more', get(`${HOST}X: \xa0\xff\r\n`), 'GET /one'),
  passes('an empty value', get(`${HOST}X:\r\n`), 'GET /one'),
  passes('Host that Connection names', get(`${HOST}Connection: host\r\n`), 'GET /one'),
  refused('a head that is too large', get(`${HOST}X: ${'x'.repeat(40_000)}\r\n`), 431),
  refused('an unknown expectation', get(`${HOST}Expect: tea\r\n`), 417),
];

const ROW_CASES: readonly Case[] = [
  passes('two requests', `GET /two HTTP/1.1\r\n${HOST}\r\n${get(HOST)}`, 'GET /two', 'GET /one'),
  passes(
    'a request behind a counted body',
    `POST /two HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nabc${get(HOST)}`,
    'POST /two abc',
    'GET /one',
  ),
  passes(
    'a request behind chunks',
    `POST /two HTTP/1.1\r\n${HOST}${CHUNKED}\r\n${chunkOf('abc')}${LAST}${get(HOST)}`,
    'POST /two abc',
    'GET /one',
  ),
  passes('a request behind HEAD', `HEAD /two HTTP/1.1\r\n${HOST}\r\n${get(HOST)}`, 'HEAD /two', 'GET /one'),
  passes('a request behind the last one', get(HOST) + INNER, 'GET /one'),
  passes('a request behind HTTP/1.0', `GET /one HTTP/1.0\r\n${HOST}\r\n${INNER}`, 'GET /one'),
  refused('a request behind a refused one', get('Host: a/b\r\n') + INNER),
  {
    name: 'CONNECT behind two requests',
    text: `GET /two HTTP/1.1\r\n${HOST}\r\nGET /one HTTP/1.1\r\n${HOST}\r\nCONNECT a:1 HTTP/1.1\r\n${HOST}\r\n${INNER}`,
    reaches: ['GET /two', 'GET /one'],
    statuses: [200, 200, 400],
  },
  refused('a request behind CONNECT', `CONNECT a:1 HTTP/1.1\r\n${HOST}\r\n${INNER}`),
  {
    name: 'no request behind a request',
    text: `GET /one HTTP/1.1\r\n${HOST}\r\nfoo\r\n\r\n`,
    reaches: ['GET /one'],
    statuses: [200, 400],
  },
  {
    name: 'a refused request behind a request',
    text: `GET /one HTTP/1.1\r\n${HOST}\r\nGET / HTTP/1.1\r\n\r\n${INNER}`,
    reaches: ['GET /one'],
    statuses: [200, 400],
  },
  {
    name: 'a body that no field announces',
    text: `POST /one HTTP/1.1\r\n${HOST}\r\nabc\r\n\r\n`,
    reaches: ['POST /one'],
    statuses: [200, 400],
  },
  passes(
    'an upgrade with a body',
    post(`Connection: Upgrade\r\nUpgrade: x\r\nContent-Length: ${INNER.length}\r\n`, INNER),
    `POST /one ${INNER}`.trimEnd(),
  ),
  passes(
    'an upgrade behind a request',
    `GET /two HTTP/1.1\r\n${HOST}\r\nGET /one HTTP/1.1\r\n${HOST}Connection: close, Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    'GET /two',
    'GET /one',
  ),
  passes(
    'a request behind an upgrade that is not taken',
    `GET /one HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n${INNER}`,
    'GET /one',
  ),
];

export const HEAD_CASES: readonly Case[] = [...LINE_CASES, ...FIELD_CASES, ...ROW_CASES];
