// The settings hash: the same for the same container, whatever the text looks like; another for another.
import { describe, expect, test } from 'vitest';
import { hashSettings, type Injected } from '../../../src/spec/hash.ts';
import { parseSpec } from '../../../src/spec/parse.ts';

function hashOf(text: string): string {
  const result = parseSpec(text);
  if (!result.ok) throw new Error(result.problems.map((problem) => problem.message).join());
  return result.hash;
}

const PLAIN = hashOf('image: web\nport: 80\n');

describe('a change of these starts no rollout', () => {
  test.each([
    ['replicas', 'replicas: 5'],
    ['routes', 'routes: [{host: a.b}]'],
    ['proxy', 'proxy: {timeout: 1s}'],
    ['strategy', 'strategy: {type: recreate}'],
    ['rollback', 'rollback: {parallelism: 1}'],
    ['history', 'history: 3'],
    ['drain_timeout', 'drain_timeout: 1s'],
    ['a default written out', 'restart: unless-stopped\nhealthcheck: {interval: 5000ms}'],
    ['the protocol of always', 'protocol: http/1.1'],
    ['empty maps and lists', 'environment: {}\nvolumes: []'],
  ])('%s', (_rule, line) => expect(hashOf(`image: web\nport: 80\n${line}\n`)).toBe(PLAIN));
});

describe('a change of these does', () => {
  const lines = [
    'port: 81',
    'port: 80\nprotocol: h2c',
    'port: 80\nenvironment: {A: x}',
    'port: 80\nenvironment: {A: y}',
    'port: 80\nlabels: {A: x}',
    'port: 80\ncommand: a b',
    'port: 80\ncommand: [a b]',
    'port: 80\nentrypoint: a b',
    'port: 80\nhealthcheck: {tcp: true}',
    'port: 80\nstop_grace_period: 11s',
    'port: 80\ninit: true',
    'port: 80\ninit: false',
  ];
  test('image: the same tag of another repository is another image', () => {
    expect(hashOf('image: mirror.example.com/web\nport: 80\n')).not.toBe(PLAIN);
  });

  test('each in its own way', () => {
    const hashes = lines.map((line) => hashOf(`image: web\n${line}\n`));
    expect(new Set([...hashes, PLAIN]).size).toBe(lines.length + 1);
  });
});

describe('one hash for one meaning', () => {
  test.each([
    ['order of names', 'environment: {A: 1, B: 2}', 'environment: {B: 2, A: 1}'],
    ['map and list', 'environment: {A: 1, B: 2}', 'environment: [A=1, B=2]'],
    ['units', 'mem_limit: 1g', 'mem_limit: 1024m'],
    ['words', 'command: sh -c "a b"', 'command: [sh, -c, a b]'],
  ])('%s', (_rule, a, b) => expect(hashOf(`image: web\n${a}\n`)).toBe(hashOf(`image: web\n${b}\n`)));

  test('injected configuration counts, and only when there is some', () => {
    const result = parseSpec('image: web\n');
    if (!result.ok) throw new Error('the spec is valid');
    const { settings } = result.spec;
    const hash = (injected?: Injected) => hashSettings('web', settings, injected);
    expect(hash({})).toBe(hash());
    expect(hash({ A: '1', B: '2' })).toBe(hash({ B: '2', A: '1' }));
    expect(hash({ A: '1' })).not.toBe(hash({ A: '2' }));
    expect(hash()).toMatch(/^[0-9a-f]{16}$/);
  });
});
