import { expect, test } from 'vitest';
import {
  imageKey,
  isReferenceOf,
  isRepository,
  isSameRepository,
  isVersion,
  registryOf,
  repositoryOf,
} from '../../deploy/repository.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

test.each([
  ['nginx', 'docker.io'],
  ['library/nginx', 'docker.io'],
  ['index.docker.io/library/nginx', 'docker.io'],
  ['registry.example.com/web', 'registry.example.com'],
  ['127.0.0.1:5000/web', '127.0.0.1:5000'],
  ['localhost/web', 'localhost'],
])('the registry of %s is %s', (image, registry) => {
  expect(registryOf(image)).toBe(registry);
});

test.each([
  ['nginx', 'docker.io/library/nginx', true],
  ['shop/web', 'docker.io/shop/web', true],
  ['localhost/web', 'web', false],
  ['a.example.com/web', 'b.example.com/web', false],
])('%s and %s are one repository: %s', (a, b, same) => {
  expect(isSameRepository(a, b)).toBe(same);
});

test.each([
  ['127.0.0.1:5000/web:v1', '127.0.0.1:5000/web'],
  ['127.0.0.1:5000/web', '127.0.0.1:5000/web'],
  [`shop/web@${DIGEST}`, 'shop/web'],
])('the repository of %s is %s', (reference, repository) => {
  expect(repositoryOf(reference)).toBe(repository);
});

test.each(['v1', '1.2.3', '_x', DIGEST])('%s is a version', (version) =>
  expect(isVersion(version)).toBe(true),
);
test.each(['', '-v1', 'v 1', 'a/b', 'web:v1', `x@${DIGEST}`, 'sha256:abc', 'v'.repeat(129)])(
  '%j is no version',
  (version) => expect(isVersion(version)).toBe(false),
);

test.each(['web', 'shop/web', '127.0.0.1:5000/shop/web_2'])('%s is a repository', (image) =>
  expect(isRepository(image)).toBe(true),
);
test.each(['', '../../containers', 'web/../x', 'web?x=1', 'web:v1', 'web:5000', '/web', 'web/'])(
  '%j is no repository',
  (image) => expect(isRepository(image)).toBe(false),
);

test.each([
  ['its own digest', `shop/web@${DIGEST}`, true],
  ['an image id', DIGEST, true],
  ['another repository', `shop/other@${DIGEST}`, false],
  ['a tag', 'shop/web:v1', false],
])('a container of shop/web is created from %s: %s → %s', (_name, reference, allowed) => {
  expect(isReferenceOf('shop/web', reference)).toBe(allowed);
});

test('the key of a tag and of a digest', () => {
  expect([imageKey('web', 'v1'), imageKey('web', DIGEST)]).toEqual(['web:v1', `web@${DIGEST}`]);
});
