import { beforeEach, describe, expect, it } from 'vitest';
import { EMPTY_RECORD } from '../../../src/controller/record.ts';
import { parseSpec } from '../../../src/spec/parse.ts';
import type { Memory, Revision } from '../../../strategies/model.ts';
import { Stage } from './stage.ts';
import { statusOf } from './views.ts';

let stage: Stage;

beforeEach(() => {
  stage = new Stage();
});

const BASE = 'image: shop/web\nreplicas: 2\nport: 8080\n';

/** A service that runs v1 as revision 3, in full. */
function runStable(strategy: string): void {
  const text = `${BASE}${strategy}`;
  const parsed = parseSpec(text, 'web');
  if (!parsed.ok) throw new Error(parsed.problems.map(({ message }) => message).join('; '));
  stage.addService('web', text);
  const versionRevision = stage.etcd.put(stage.keys.version('web'), 'v1');
  const revision: Revision = {
    number: 3,
    version: 'v1',
    image: 'shop/web',
    digest: 'sha256:1',
    reference: 'shop/web@sha256:1',
    settingsHash: parsed.hash,
    settings: parsed.spec.settings,
    restart: 0,
    created: '2025-12-01T00:00:00Z',
  };
  const memory: Memory = {
    ...EMPTY_RECORD.memory,
    stable: 3,
    nextRevision: 4,
    handled: { version: 'v1', versionRevision, settingsHash: parsed.hash },
  };
  stage.putJson(stage.keys.revision('web', 3), revision);
  stage.putJson(stage.keys.rollout('web'), { memory, accepted: text });
  stage.putJson(stage.keys.route('web'), { routes: [], split: { 3: 100 }, targets: [] });
  const { stable } = statusOf({});
  stage.putJson(
    stage.keys.status('web'),
    statusOf({ stable: stable && { ...stable, replicas: { wanted: 2, ready: 2, total: 2 } } }),
  );
}

async function planSteps(...options: readonly string[]): Promise<string[]> {
  const before = stage.etcd.revision;
  const { out, exit, err } = await stage.run('plan', 'web', ...options, '-o', 'json');
  expect({ exit, err, revision: stage.etcd.revision }).toEqual({ exit: 0, err: '', revision: before });
  const { steps } = JSON.parse(out) as { readonly steps: readonly { readonly what: string }[] };
  return steps.map(({ what }) => what);
}

describe('plan', () => {
  it('of a rolling release: one new replica up, then one old one down', async () => {
    runStable('strategy: { type: rolling, min_ready: 5s, monitor: 30s }\n');
    expect(await planSteps('--version', 'v2')).toEqual([
      'resolve shop/web:v2',
      'start web-r4-1',
      'hold 5s (starting-replicas)',
      'route r3 50 r4 50',
      'stop web-r3-2',
      'start web-r4-2',
      'hold 5s (starting-replicas)',
      'route r4 100',
      'stop web-r3-1',
      'hold 30s (monitoring)',
      'succeeded web-4-9',
    ]);
  });

  it('of a canary: steps, holds and where it waits for a word', async () => {
    runStable(
      'strategy: { type: canary, min_ready: 0s, monitor: 0s, steps: [{ weight: 50 }, { pause: 1h }, { pause: manual }] }\n',
    );
    expect(await planSteps('--version', 'v2')).toEqual([
      'resolve shop/web:v2',
      'start web-r4-1',
      'route r3 50 r4 50',
      'hold 1h (step-pause)',
      'wait for `promote`',
      'start web-r4-2',
      'route r4 100',
      'stop web-r3-1',
      'stop web-r3-2',
      'succeeded web-4-9',
    ]);
  });

  it('of a blue-green release with manual promotion', async () => {
    runStable(
      'strategy: { type: blue-green, min_ready: 0s, monitor: 0s, promotion: manual, keep_old: 5m }\n',
    );
    expect(await planSteps('--version', 'v2')).toEqual([
      'resolve shop/web:v2',
      'start web-r4-1',
      'start web-r4-2',
      'wait for `promote`',
      'route r4 100',
      'succeeded web-4-9',
      'hold 5m (keep the old)',
      'stop web-r3-1',
      'stop web-r3-2',
    ]);
  });

  it('of recreate: the old goes first, and requests are parked', async () => {
    runStable('strategy: { type: recreate, min_ready: 0s, monitor: 0s }\n');
    expect(await planSteps('--version', 'v2')).toEqual([
      'resolve shop/web:v2',
      'route none, park',
      'stop web-r3-1',
      'stop web-r3-2',
      'start web-r4-1',
      'start web-r4-2',
      'route r4 100',
      'succeeded web-4-9',
    ]);
  });

  it('of a first release: nothing gates it', async () => {
    stage.addService(
      'web',
      `${BASE}strategy: { type: canary, monitor: 0s, steps: [{ weight: 10 }, { pause: 1h }] }\n`,
    );
    expect(await planSteps('--version', 'v1')).toEqual([
      'resolve shop/web:v1',
      'route none, park',
      'start web-r1-1',
      'start web-r1-2',
      'route r1 100',
      'succeeded web-1-4',
    ]);
  });
});

describe('plan of what asks for nothing', () => {
  beforeEach(() => runStable('strategy: { type: rolling, monitor: 0s }\n'));

  it('says so for the version that runs', async () => {
    const { out } = await stage.run('plan', 'web');
    expect(out).toBe('web: nothing would happen. Running v1, 2 replicas.\n');
    expect((await stage.run('plan', 'web', '--version', 'v1')).out).toBe(out);
  });

  it('says so while frozen', async () => {
    stage.etcd.put(stage.keys.freeze, 'audit');
    const { out } = await stage.run('plan', 'web', '--version', 'v2');
    expect(out).toContain('nothing would happen. Frozen: audit');
  });

  it('shows the spec of a file: a change of replicas starts no rollout', async () => {
    stage.files.set('web.yaml', `service: web\n${BASE.replace('replicas: 2', 'replicas: 3')}`);
    expect(await planSteps('-f', 'web.yaml')).toEqual(['start web-r3-3']);
  });

  it('shows the spec of a file: a change of settings does', async () => {
    stage.files.set('web.yaml', `service: web\n${BASE}environment: { A: b }\n`);
    expect((await planSteps('-f', 'web.yaml')).at(-1)).toMatch(/^succeeded web-4-/);
  });
});

describe('plan refuses', () => {
  it.each([
    ['a service without a spec', ['--version', 'v1'], 'no service `web`'],
    ['a file of another service', ['-f', 'api.yaml'], 'api.yaml: found api, expected web'],
    ['a file with problems', ['-f', 'bad.yaml'], 'bad.yaml:2: image: '],
  ])('%s', async (_, options, message) => {
    stage.files
      .set('api.yaml', 'service: api\nimage: shop/api\n')
      .set('bad.yaml', 'service: web\nimage: "a b"\n');
    const ran = await stage.run('plan', 'web', ...options);
    expect(ran.exit).toBe(2);
    expect(ran.err).toContain(message);
  });
});
