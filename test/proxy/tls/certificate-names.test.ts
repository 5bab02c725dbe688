import { describe, expect, it } from 'vitest';
import type { Certificate } from '../../../proxy/tls/certificate.ts';
import { assignNames, findNamed } from '../../../proxy/tls/certificate-names.ts';

function makeCertificate(file: string, names: readonly string[], validTo = 10): Certificate {
  return { file, names, cert: `cert ${file}`, key: `key ${file}`, validFrom: 0, validTo };
}

const exact = makeCertificate('exact', ['a.shop.test']);
const wildcard = makeCertificate('wildcard', ['*.shop.test', 'shop.test']);

describe('the certificate of a host', () => {
  const named = assignNames([wildcard, exact]);
  it.each([
    ['its exact name before a wildcard', 'a.shop.test', 'exact'],
    ['a wildcard of one label', 'b.shop.test', 'wildcard'],
    ['the name itself where that is named as well', 'shop.test', 'wildcard'],
    ['none of two labels below a wildcard', 'c.b.shop.test', null],
    ['none of the host that nobody names', 'other.test', null],
    ['none of a name without a dot', 'shop', null],
    ['none of an empty name', '', null],
    ['none of what begins with a dot', '.shop.test', null],
  ])('is %s', (_, host, file) => {
    expect(findNamed(named, host)?.file ?? null).toBe(file);
  });

  it('is the one that is valid longest, and that is said', () => {
    const [early, late] = [makeCertificate('b', ['x.test'], 10), makeCertificate('c', ['x.test'], 20)];
    for (const order of [
      [early, late],
      [late, early],
    ]) {
      const { byName, disputes } = assignNames(order);
      expect(byName.get('x.test')).toBe(late);
      expect(disputes).toEqual(['c and b both name x.test: c is used, which is valid longer.']);
    }
  });

  it('is that of the first file where they are valid equally long', () => {
    const [one, two] = [makeCertificate('a', ['x.test']), makeCertificate('b', ['x.test'])];
    expect(assignNames([two, one]).byName.get('x.test')).toBe(one);
  });
});

describe('the default certificate', () => {
  it('is that of its file, and serves its own names as well', () => {
    const byDefault = makeCertificate('default', ['d.test']);
    const named = assignNames([exact, byDefault]);
    expect(named.byDefault).toBe(byDefault);
    expect(findNamed(named, 'd.test')).toBe(byDefault);
    expect(findNamed(named, 'e.test')).toBeNull();
  });

  it('is none where there is no such file', () => {
    expect(assignNames([exact]).byDefault).toBeNull();
  });
});
