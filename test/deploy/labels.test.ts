import { expect, test } from 'vitest';
import { containerName, LABELS, parseLabels, shortName, toLabels } from '../../deploy/labels.ts';
import { sampleRequest } from './sample-revision.ts';

test('what is written on a container is read back, and all of it is text', () => {
  const labels = toLabels(sampleRequest({ prefix: '/p', service: 'web', number: 12, ordinal: 3 }));
  expect(Object.values(labels).every((value) => typeof value === 'string')).toBe(true);
  expect(parseLabels(labels)).toEqual({
    prefix: '/p',
    service: 'web',
    revision: 12,
    ordinal: 3,
    version: 'v1',
    digest: `sha256:${'1'.repeat(64)}`,
    settings: 'abc',
    port: 8080,
  });
  expect(parseLabels(toLabels(sampleRequest({ port: null })))?.port).toBeNull();
});

test.each([
  ['no label at all', {}],
  ['somebody else’s labels', { 'com.docker.compose.service': 'web' }],
  ['no prefix', { [LABELS.prefix]: undefined }],
  ['no service', { [LABELS.service]: undefined }],
  ['a revision that is no number', { [LABELS.revision]: 'one' }],
  ['a negative ordinal', { [LABELS.ordinal]: '-1' }],
  ['an ordinal with zeros in front', { [LABELS.ordinal]: '01' }],
])('a container with %s is foreign', (name, change) => {
  const isBare = name === 'no label at all' || name.startsWith('somebody');
  expect(parseLabels(isBare ? change : { ...toLabels(sampleRequest()), ...change })).toBeNull();
});

test('names are derived, and those of two prefixes cannot meet', () => {
  expect(shortName('web', 12, 1)).toBe('web-r12-1');
  expect(containerName('/slipway', 'web', 12, 1)).toBe('web-r12-1');
  const names = ['/slipway', '/a', '/b'].map((prefix) => containerName(prefix, 'web', 12, 1));
  expect(new Set(names).size).toBe(3);
  expect(names[1]).toMatch(/^web-r12-1\.[0-9a-f]{8}$/);
  expect(containerName('/a', 'web', 12, 1)).toBe(names[1]);
});
