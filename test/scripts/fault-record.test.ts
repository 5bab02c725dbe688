// What the record of faults calls done: tried, held, and on this commit.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { FaultRecord } from '../faults/record.ts';

it('takes for done only what struck and held on the same commit', () => {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-record-'));
  const path = join(folder, 'below', 'faults.jsonl');
  const record = new FaultRecord(path, 'one');
  expect(record.held()).toEqual(new Set());
  record.add({ kind: 'kill-after', point: 'held', struck: 'KV/Txn', problems: [], requests: 1 });
  record.add({ kind: 'kill-after', point: 'never struck', struck: null, problems: [], requests: 1 });
  record.add({ kind: 'kill-after', point: 'broke', struck: 'KV/Txn', problems: ['lost'], requests: 1 });
  new FaultRecord(path, 'two').add({
    kind: 'kill-after',
    point: 'elsewhere',
    struck: 'KV/Txn',
    problems: [],
    requests: 1,
  });
  expect(record.held()).toEqual(new Set(['held']));
  rmSync(folder, { recursive: true });
});
