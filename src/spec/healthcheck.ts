// The health check: one kind of probe and its schedule.
import type * as z from 'zod';
import type { Healthcheck, ProbeKind, StatusRange } from '../../strategies/spec.ts';
import { addIssue, always, duration, field, integer, Refusal, refused, section, text } from './fields.ts';
import { parseStatusRanges } from './units.ts';

const KINDS = ['http', 'tcp', 'test', 'image', 'disable'] as const;
const only = field<true>('true (or leave it out)', (raw) => (raw === true ? true : refused));

/** In Docker's form: `CMD` and words, `CMD-SHELL` and one text, or `NONE`; a bare text is for the shell. */
const test = field<readonly string[]>('["CMD", …], ["CMD-SHELL", text], ["NONE"] or a text', (raw) => {
  if (typeof raw === 'string')
    return raw.trim() === '' ? refused : raw === 'NONE' ? ['NONE'] : ['CMD-SHELL', raw];
  if (!Array.isArray(raw) || !raw.every((each) => typeof each === 'string')) return refused;
  const [first, ...rest] = raw;
  if (first === 'NONE' ? rest.length === 0 : first === 'CMD-SHELL' ? rest.length === 1 : rest.length > 0) {
    if (first === 'NONE' || first === 'CMD' || first === 'CMD-SHELL') return raw;
    return new Refusal(`a list that begins with ${JSON.stringify(first)}`);
  }
  return refused;
});

const OK: readonly StatusRange[] = [{ from: 200, to: 299 }];

const shape = {
  http: text('a path such as /health', /^\/[\x21-\x7e]*$/).optional(),
  tcp: only.optional(),
  test: test.optional(),
  image: only.optional(),
  disable: only.optional(),
  status: field<readonly StatusRange[]>(
    'status codes such as 200-299, 200 or [200, 404]',
    (raw) => parseStatusRanges(raw) ?? refused,
  ).optional(),
  interval: duration(10).default(5000),
  start_interval: duration(10).default(100),
  timeout: duration(1).default(2000),
  retries: integer(1, 1000).default(3),
  rise: integer(1, 1000).default(2),
  start_period: duration().default(30_000),
};

const fields = section(shape);

export const healthcheck = fields
  .superRefine((raw, context) => {
    const kinds = KINDS.filter((kind) => kind in raw);
    if (kinds.length > 1) addIssue(context, [], kinds.join(' and '), `one of ${KINDS.join(', ')}`);
    if ('status' in raw && !('http' in raw))
      addIssue(context, ['status'], 'status codes', '`http` beside them');
  }, always)
  .transform(buildHealthcheck);

function buildHealthcheck(raw: z.output<typeof fields>): Healthcheck {
  return {
    probe: chooseProbe(raw),
    intervalMs: raw.interval,
    startIntervalMs: raw.start_interval,
    timeoutMs: raw.timeout,
    retries: raw.retries,
    rise: raw.rise,
    startPeriodMs: raw.start_period,
  };
}

function chooseProbe(raw: z.output<typeof fields>): ProbeKind {
  if (raw.http !== undefined) return { kind: 'http', path: raw.http, status: raw.status ?? OK };
  if (raw.test !== undefined)
    return raw.test[0] === 'NONE' ? { kind: 'none' } : { kind: 'exec', test: raw.test };
  if (raw.tcp) return { kind: 'tcp' };
  if (raw.image) return { kind: 'image' };
  return { kind: raw.disable ? 'none' : 'auto' };
}
