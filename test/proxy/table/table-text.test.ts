import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readTableText, type TableText } from '../../../proxy/table/table-text.ts';

function read(text: string, before: TableText | null = null): TableText | null {
  const steps = readTableText(Buffer.from(text), before);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** As JSON.parse has it; null where that throws, or finds no services. */
function readWhole(text: string): unknown {
  try {
    const { version, services } = JSON.parse(text);
    const isObject = typeof services === 'object' && services !== null && !Array.isArray(services);
    return isObject ? { version, services } : null;
  } catch {
    return null;
  }
}

function plain(table: TableText | null): unknown {
  if (table === null) return null;
  return { version: table.version, services: { ...table.services } };
}

describe('the text of a table', () => {
  it.each([
    ['{"version":1,"services":{"web":{"a":[1,{"b":"}]"}]},"api":null}}', 'brackets within a text'],
    [String.raw`{"services":{"w\u0065b":"\"}","api":"\\"}}`, 'a quote and a backslash within a text'],
    ['{"services":{"web":1,"web":2}}', 'a name that stands twice: the last one counts'],
    ['{"services":{"web":1},"services":{"api":2}}', 'services that stand twice'],
    ['{"services":1,"services":{"api":2}}', 'services that stand twice, first as none'],
    ['{"services":{"api":2},"services":[]}', 'services that stand twice, last as none'],
    [' \r\n\t{ "services" : { } , "more" : [ { } ] } \n', 'spaces everywhere'],
    ['{"services":{"__proto__":{"a":1},"7":1}}', 'names that JavaScript has plans with'],
    ['{"services":{"web":"ü – 𝄞"}}', 'characters beyond ASCII'],
    ['{"version":1}', 'no services'],
    ['{"services":[]}', 'a list of services'],
    ['[]', 'a list'],
    ['', 'nothing'],
    ['{}', 'an empty object'],
    ['{"services":{}} x', 'something behind it'],
    ['{"services":{"web":{}},}', 'a comma too many'],
    ['{"services":{"web":{},}}', 'a comma too many within'],
    ['{"services":{"web":}}', 'a value that is missing'],
    ['{"services":{web:1}}', 'a name without quotes'],
    ['{"services":{1:1}}', 'a number as a name'],
    ['{"services":{"web":{]}}', 'a bracket of the other kind'],
    ['{"services":{"web" 1}}', 'a colon that is missing'],
    ['{"services":{"web":1 "api":2}}', 'a comma that is missing'],
    ['{"services":{"web":tru}}', 'a word that is none'],
    ['{"other":[1,],"services":{}}', 'a bad value beside the services'],
    ['{"services":{"web":"', 'an open quote'],
    ['{"services":{"web":"\\', 'an open escape'],
    ['{"services":{"web":{"a":1', 'an open bracket'],
    ['\ufeff{"services":{}}', 'a mark of byte order'],
  ])('%s (%s) is read as JSON.parse would', (text) => {
    expect(plain(read(text))).toEqual(readWhole(text));
  });

  it('is read as JSON.parse would, whatever it is, and cut off or changed anywhere', () => {
    const services = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }));
    const table = fc.record(
      { version: fc.jsonValue(), services, more: fc.jsonValue() },
      { requiredKeys: [] },
    );
    const spoil = fc.option(
      fc.record({ at: fc.nat(), by: fc.constantFrom('', '"', '\\', '{', ']', ',', ' ', '0') }),
    );
    fc.assert(
      fc.property(table, fc.constantFrom(0, 1, '\t'), spoil, (value, indent, spoilt) => {
        const text = JSON.stringify(value, null, indent);
        const at = spoilt === null ? 0 : spoilt.at % text.length;
        const given = spoilt === null ? text : `${text.slice(0, at)}${spoilt.by}${text.slice(at + 1)}`;
        expect(plain(read(given))).toEqual(readWhole(given));
      }),
      { numRuns: 500 },
    );
  });

  it('that follows another keeps the values of what is written as before, wherever it stands', () => {
    const before = read('{"services":{"web":{"a":1},"api":{"b":2},"gone":{}}}');
    const after = read('{"services":{"new":{}, "api":{"b":2},"web":{"a":1}}}', before);
    const changed = read('{"services":{"web":{"a":3}}}', after);
    for (const name of ['web', 'api']) expect(after?.services[name]).toBe(before?.services[name]);
    expect(plain(changed)).toEqual({ version: undefined, services: { web: { a: 3 } } });
  });
});
