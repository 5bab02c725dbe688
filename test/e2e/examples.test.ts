// Every spec in examples/ is released for real, as its own first line says; only the image is one that this machine
// has, and the names are the test's own.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isMap, parseDocument } from 'yaml';
import { listContainers, removeVolume } from '../support/containers.ts';
import { uniqueName } from '../support/names.ts';
import { type Slipway, startSlipway } from '../support/slipway.ts';
import { buildVersions, REPOSITORY } from '../support/versions.ts';

const EXAMPLES = resolve(import.meta.dirname, '../../examples');
/** Those that hold a spec; the others are for Prometheus. */
const specs = readdirSync(EXAMPLES).filter((name) => /^(?!prometheus).*\.ya?ml$/.test(name));
const folder = mkdtempSync(join(tmpdir(), 'slipway-examples-'));
let slipway: Slipway;

beforeAll(async () => {
  await buildVersions('v1');
  slipway = await startSlipway();
});
afterAll(async () => {
  await slipway?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('examples', () => {
  it('hold one spec for each strategy', () => {
    expect(specs).toEqual(
      expect.arrayContaining(['recreate.yaml', 'rolling.yaml', 'blue-green.yaml', 'canary.yaml']),
    );
  });

  it.each(specs)('%s is released', async (file) => {
    const { service, path, volume } = adapt(file);
    try {
      const applied = await slipway.cli('apply', '-f', path);
      expect([applied.code, applied.stdout, applied.stderr]).toEqual([0, `${service}: created\n`, '']);
      const released = await slipway.cli('release', service, 'v1', '--wait', '--timeout', '150s');
      expect([released.code, released.stderr]).toEqual([0, expect.any(String)]);
      const status = await slipway.status(service);
      expect(status?.stable).toMatchObject({ version: 'v1', weight: { effective: 100 } });
      expect((await listContainers(slipway.prefix)).filter((each) => each.service === service)).toHaveLength(
        status?.stable?.replicas.wanted ?? -1,
      );
    } finally {
      await slipway.remove(slipway.keys.spec(service));
      if (volume !== null) await removeVolume(volume);
    }
  });
});

/** The example with the test's names and image, the path that the test image answers, and a short bake. */
function adapt(file: string): { service: string; path: string; volume: string | null } {
  const document = parseDocument(readFileSync(join(EXAMPLES, file), 'utf8'));
  const service = uniqueName(String(document.get('service')));
  document.set('service', service);
  document.set('image', REPOSITORY);
  if (document.hasIn(['healthcheck', 'http'])) document.setIn(['healthcheck', 'http'], '/health');
  const strategy = document.get('strategy');
  if (isMap(strategy)) strategy.set('monitor', '1s');
  const mounted = document.getIn(['volumes', 0]);
  const volume = typeof mounted === 'string' ? uniqueName('volume') : null;
  if (volume !== null) document.setIn(['volumes', 0], String(mounted).replace(/^[^:]+/, volume));
  const path = join(folder, file);
  writeFileSync(path, String(document));
  return { service, path, volume };
}
