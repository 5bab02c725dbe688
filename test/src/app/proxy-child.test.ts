import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { superviseProxy } from '../../../src/app/proxy-child.ts';
import { readSettings } from '../../../src/config.ts';
import { SERVE_SETTINGS } from '../../../src/config-settings.ts';
import { buildKeys } from '../../../src/store/keys.ts';
import { startMirror } from '../../../src/store/mirror.ts';
import { createLog } from '../../../src/telemetry/log.ts';
import { FakeEtcd } from '../../fakes/store.ts';
import { waitFor } from '../../support/wait.ts';

const { execPath } = process;
let folder: string;
let ending: AbortController;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-child-'));
  ending = new AbortController();
});
afterEach(() => {
  process.execPath = execPath;
  ending.abort();
  rmSync(folder, { recursive: true });
});

describe('a proxy that cannot even be started', () => {
  it('is tried again', async () => {
    process.execPath = join(folder, 'no-such-program');
    const lines: string[] = [];
    const log = createLog('error', { write: (line) => lines.push(line) });
    const { signal } = ending;
    const mirror = startMirror({ store: new FakeEtcd().connect(), prefix: '/slipway/', signal });
    const config = readSettings(SERVE_SETTINGS, { dataDir: folder, http: '127.0.0.1:1' }, {});
    const proxy = superviseProxy({ config, log, mirror, keys: buildKeys('/slipway'), version: '1' });
    const failures = () => lines.filter((line) => /could not be started/.test(line));
    await waitFor('a third failure', () => failures().length >= 3);
    await proxy.stop();
    expect(failures()[0]).toMatch(/ENOENT/);
  });
});
