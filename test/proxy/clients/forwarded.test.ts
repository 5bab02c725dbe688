import { describe, expect, it } from 'vitest';
import { composeForwarded, describeHop } from '../../../proxy/clients/forwarded.ts';

const NOTHING = { forwarded: '', forwardedFor: '', proto: '', host: '', requestId: '' };
const HOP = describeHop('10.0.0.7', 'http');

describe('the client’s own connection', () => {
  it.each([
    ['IPv4', '203.0.113.7', 'for=203.0.113.7;proto=https'],
    ['IPv6, in brackets and quoted', '2001:db8::7', 'for="[2001:db8::7]";proto=https'],
    ['gone before anybody asked', '', 'for=unknown;proto=https'],
  ])('%s', (_name, address, hop) => {
    expect(describeHop(address, 'https')).toBe(hop);
  });
});

describe('the host', () => {
  it.each([
    ['a name', 'shop.test', ';host=shop.test'],
    ['with a port: quoted', 'shop.test:8080', ';host="shop.test:8080"'],
    ['IPv6', '[::1]:80', ';host="[::1]:80"'],
    ['none, in HTTP/1.0', '', ''],
  ])('%s', (_name, host, text) => {
    expect(composeForwarded(NOTHING, HOP, host)).toBe(`for=10.0.0.7;proto=http${text}`);
  });
});

describe('what a trusted peer says goes before it', () => {
  const own = 'for=10.0.0.7;proto=http;host=shop.test';
  it.each([
    ['as it came', { forwarded: 'for=6.6.6.6;secret="a,;\\"b"' }, 'for=6.6.6.6;secret="a,;\\"b", '],
    ['its X-Forwarded-For is not said again', { forwarded: 'for=a', forwardedFor: '6.6.6.6' }, 'for=a, '],
    ['not with a quotation that it leaves open', { forwarded: 'for="6.6.6.6' }, ''],
    ['not with one that a backslash keeps open', { forwarded: 'for="6.6.6.6\\"' }, ''],
    ['its X-Forwarded-For, where it has nothing else', { forwardedFor: '6.6.6.6' }, 'for=6.6.6.6, '],
    [
      'scheme and host are those of the first',
      { forwardedFor: '2001:db8::1, 7.7.7.7', proto: 'https', host: 'shop.example:443' },
      'for="[2001:db8::1]";proto=https;host="shop.example:443", for=7.7.7.7, ',
    ],
    [
      'ports are kept, and what is no address is unknown',
      { forwardedFor: '6.6.6.6:80, [::1]:80, somebody, a"b,' },
      'for="6.6.6.6:80", for="[::1]:80", for=unknown, for=unknown, for=unknown, ',
    ],
    [
      'a scheme and a host that are none are left out',
      { forwardedFor: '6.6.6.6', proto: 'https, http', host: 'a"b' },
      'for=6.6.6.6, ',
    ],
    ['a scheme alone says nothing of whom', { proto: 'https' }, ''],
  ])('%s', (_name, claims, before) => {
    expect(composeForwarded({ ...NOTHING, ...claims }, HOP, 'shop.test')).toBe(before + own);
  });
});

it('a long list without an end of its quotations is read in no time', () => {
  const forwarded = `for="${'\\a'.repeat(15_000)}`;
  expect(composeForwarded({ ...NOTHING, forwarded }, HOP, '')).toBe(HOP);
});
