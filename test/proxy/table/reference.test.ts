// docs/table.md shows an entry with every field, and the proxy takes it.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseEntry } from '../../../proxy/table/entry.ts';

const TEXT = readFileSync(new URL('../../../docs/table.md', import.meta.url), 'utf8');
const SHOWN = JSON.parse(/```json\n([^`]*)```/.exec(TEXT)?.[1] ?? 'null');

describe('docs/table.md', () => {
  it('shows an entry that is taken as it stands', () => {
    expect(parseEntry(SHOWN.services.web)).toMatchObject({
      ok: true,
      entry: {
        ...{ preview: { host: 'preview.shop.example.com' }, match: { revision: 4 }, mirror: { percent: 10 } },
        settings: { slowStartMs: 30_000, retryPercent: 20, maintenance: { retryAfter: '600' } },
      },
    });
  });

  it('shows the defaults', () => {
    const { routes, split, targets, proxy } = SHOWN.services.web;
    const { affinity: _, assets: __, maintenance: ___, slow_start: ____, ...shown } = proxy;
    const plain = parseEntry({ routes, split, targets });
    const written = parseEntry({ routes, split, targets, proxy: shown });
    expect(written.ok && written.entry.settings).toEqual(plain.ok && plain.entry.settings);
  });

  it('has a row for each field', () => {
    const names = ['version', ...Object.keys(SHOWN.services.web)];
    const rows = [...TEXT.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
    expect(rows.toSorted()).toEqual(names.toSorted());
  });
});
