// The policy on a real disk: where a path leads counts, for what is opened and for what is asked.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeRefusal } from '../../deploy/policy.ts';
import { reviewContainer } from '../../deploy/policy-review.ts';
import { PLAIN_CONTAINER } from './sample-revision.ts';

let root: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'slipway-policy-'));
  mkdirSync(join(root, 'data/web'), { recursive: true });
  mkdirSync(join(root, 'other'));
  symlinkSync(join(root, 'data'), join(root, 'link'));
  symlinkSync(join(root, 'other'), join(root, 'data/out'));
  symlinkSync(join(root, 'loop'), join(root, 'loop'));
});
afterAll(() => rmSync(root, { recursive: true }));

async function review(source: string, allowed: readonly string[]): Promise<string> {
  const volumes = [{ type: 'bind', source: join(root, source), target: '/mnt', readOnly: true }] as const;
  const allowMounts = allowed.map((path) => join(root, path));
  const refusals = await reviewContainer(
    'shop/web',
    { ...PLAIN_CONTAINER, volumes },
    { allowMounts, registries: null },
  );
  return refusals.map(describeRefusal).join('; ').replaceAll(root, '');
}

test.each([
  ['data/web', ['data'], ''],
  ['link/web', ['data'], ''],
  ['data/web', ['link'], ''],
  ['link/web', ['link'], ''],
  ['nowhere', ['nowhere'], ''],
  ['other', ['data'], 'volumes[0]: bind mount of /other is not opened with --allow-mount'],
  ['data/out', ['data'], 'volumes[0]: bind mount of /other is not opened with --allow-mount'],
  ['link/../../other', ['data'], /^volumes\[0\]: bind mount of .* is not opened/],
  ['loop', ['data'], /^volumes: source \/loop cannot be followed/],
])('%s, with %j opened: "%s"', async (source, allowed, refusal) => {
  expect(await review(source, allowed)).toEqual(
    typeof refusal === 'string' ? refusal : expect.stringMatching(refusal),
  );
});
