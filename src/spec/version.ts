// The value of a version key: a tag, or a digest.
import type { Parsed } from '../../strategies/model.ts';

const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** One line end at the end is forgiven: `echo v2 | etcdctl put` writes it. */
export function parseVersion(text: string): Parsed<string> {
  const version = text.replace(/\r?\n$/, '');
  if (TAG.test(version) || DIGEST.test(version)) return { ok: true, value: version };
  return {
    ok: false,
    problem: `found ${describe(version)}, expected a tag such as v2.0, or sha256: and 64 hex digits`,
  };
}

function describe(version: string): string {
  if (version === '') return 'nothing';
  const quoted = JSON.stringify(version.length > 80 ? `${version.slice(0, 77)}…` : version);
  return /[/@]|:(?!$)/.test(version) && !version.startsWith('sha256:')
    ? `${quoted} (the repository comes from the spec)`
    : quoted;
}
