// How the proxies treat a service's requests. Its bounds are those of the proxy's own reader, so that no entry is refused there.
import * as z from 'zod';
import type { ProxySettings } from '../../strategies/spec.ts';
import { DAY, duration, field, integer, list, refused, section, size, text } from './fields.ts';
import { textMap } from './maps.ts';
import { isHeaderName } from './routes.ts';
import { parseAmount } from './units.ts';

const HOP_BY_HOP =
  /^(connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|content-length|host)$/i;

const headers = textMap({
  expected: 'a map of header names and values',
  separator: null,
  refuse: (name) => {
    if (!isHeaderName(name)) return 'a header name';
    return HOP_BY_HOP.test(name) ? 'another header: this one belongs to the connection' : null;
  },
}).superRefine((map, context) => {
  for (const [name, value] of Object.entries(map)) {
    if (/^[\t\x20-\x7e]*$/.test(value)) continue;
    context.addIssue({ code: 'custom', path: [name], message: 'a value in one line of ASCII' });
  }
});

const MAX_GLOBS = 50;
const MAX_MESSAGE_BYTES = 16_384;

const affinityFields = section({
  cookie: text('a cookie name', /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/).default('slipway-version'),
  ttl: duration(1000, 24 * DAY).default(3_600_000),
});

const off = field<null>('`off`, or a map', (raw) => (raw === 'off' || raw === false ? null : refused));
const none = field<null>('`none`, or a size such as 10m', (raw) => (raw === 'none' ? null : refused));

const ejectionFields = section({
  errors: integer(1, 100).default(3),
  time: duration(1, DAY).default(10_000),
});

const percent = field<number>('a share from 0% to 100%', (raw) => {
  const parsed = parseAmount(raw);
  return parsed !== undefined && 'percent' in parsed ? parsed.percent : refused;
});

const glob = text(
  'a path such as /assets/* or *.js, * for any characters, without query',
  /^[/*][\x21-\x22\x24-\x3e\x40-\x7e]*$/,
);

const globs = list(glob).max(MAX_GLOBS, { error: `at most ${MAX_GLOBS} patterns` });

const maintenanceFields = section({
  message: field<string>('a text or HTML of up to 16 KiB', (raw) =>
    typeof raw === 'string' && Buffer.byteLength(raw) <= MAX_MESSAGE_BYTES ? raw : refused,
  ).default(''),
  retry_after: duration(1000, DAY).default(60_000),
  allow: globs.default([]),
});

const fields = section({
  timeout: duration(1, DAY).default(30_000),
  idle_timeout: duration(1, DAY).default(60_000),
  retries: integer(0, 10).default(1),
  park: section({
    timeout: duration(1, DAY).default(30_000),
    max_requests: integer(0, 1_000_000).default(1000),
  }).prefault({}),
  affinity: z.union([off, affinityFields], { error: '`off`, or a map' }).default(null),
  max_body: z.union([none, size(1, 'above zero')], { error: '`none`, or a size such as 10m' }).default(null),
  headers: headers.default({}),
  ejection: z.union([off, ejectionFields], { error: '`off`, or a map' }).prefault({}),
  slow_start: z
    .union([off, duration(1, DAY)], { error: '`off`, or a duration such as 30s, at most 24h' })
    .default(null),
  retry_budget: percent.default(20),
  assets: globs.default([]),
  maintenance: z.union([off, maintenanceFields], { error: '`off`, or a map' }).default(null),
});

function buildMaintenance(raw: z.output<typeof maintenanceFields> | null): ProxySettings['maintenance'] {
  if (raw === null) return null;
  return { message: raw.message, retryAfterMs: raw.retry_after, allow: raw.allow };
}

export const proxy = fields.transform(
  (raw): ProxySettings => ({
    timeoutMs: raw.timeout,
    idleTimeoutMs: raw.idle_timeout,
    retries: raw.retries,
    park: { timeoutMs: raw.park.timeout, maxRequests: raw.park.max_requests },
    affinity: raw.affinity === null ? null : { cookie: raw.affinity.cookie, ttlMs: raw.affinity.ttl },
    maxBodyBytes: raw.max_body,
    headers: raw.headers,
    ejection: raw.ejection === null ? null : { errors: raw.ejection.errors, timeMs: raw.ejection.time },
    slowStartMs: raw.slow_start,
    retryPercent: raw.retry_budget,
    assets: raw.assets,
    maintenance: buildMaintenance(raw.maintenance),
  }),
);
