// Volumes in Compose's short (`source:target[:ro]`) and long form. What may be mounted is the daemon's policy, not ours.
import * as z from 'zod';
import type { VolumeMount } from '../../strategies/spec.ts';
import { addIssue, bool, field, Refusal, section, text, word } from './fields.ts';

const SHORT = '`source:target`, with `:ro` for read-only';
const VOLUME_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]+$/;
const TARGET = /^\/.*[^/]/;

const shortVolume = field<VolumeMount>(SHORT, (raw) => {
  if (typeof raw !== 'string') return new Refusal();
  const [source = '', target, mode = 'rw', ...rest] = raw.split(':');
  if (target === undefined)
    return new Refusal(`${JSON.stringify(raw)} without a source`, `${SHORT}: name the volume`);
  if (rest.length > 0 || !TARGET.test(target) || (mode !== 'ro' && mode !== 'rw')) return new Refusal();
  const type = source.startsWith('/') ? 'bind' : 'volume';
  const problem = checkSource(type, source);
  return problem === null
    ? { type, source, target, readOnly: mode === 'ro' }
    : new Refusal(undefined, problem);
});

const longVolume = section({
  type: word('bind', 'volume'),
  source: text('a name or an absolute path', /./),
  target: text('an absolute path in the container', TARGET),
  read_only: bool.default(false),
}).transform((raw, context): VolumeMount => {
  const problem = checkSource(raw.type, raw.source);
  if (problem !== null) addIssue(context, ['source'], undefined, problem);
  return { type: raw.type, source: raw.source, target: raw.target, readOnly: raw.read_only };
});

export const volumes = z
  .array(z.union([shortVolume, longVolume]), { error: 'a list' })
  .superRefine((mounts, context) => {
    for (const [index, mount] of mounts.entries()) {
      const first = mounts.findIndex((each) => each.target === mount.target);
      if (first < index) addIssue(context, [index], `${mount.target} a second time`, 'each target once');
    }
  });

function checkSource(type: VolumeMount['type'], source: string): string | null {
  if (type === 'bind') {
    return source.startsWith('/')
      ? null
      : 'an absolute path: the daemon has no directory of yours to start from';
  }
  if (/^[.~]/.test(source)) return 'an absolute path: the daemon has no directory of yours to start from';
  return VOLUME_NAME.test(source) ? null : 'a volume name (letters, digits, _ . -) or an absolute path';
}
