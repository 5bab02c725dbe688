// Hosts and paths that a service answers, and the preview's way to a candidate. Which wins is the proxy's matter.
import type * as z from 'zod';
import type { Match, Preview, RouteRule } from '../../strategies/spec.ts';
import { addIssue, field, list, Refusal, refused, section } from './fields.ts';

const LABEL = '[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?';
const HOST = new RegExp(`^(\\*\\.)?${LABEL}(\\.${LABEL})*$`);

/** Lower case, without port. `*` is every host, `*.example.com` one or more labels below. */
export const host = field<string>('a host such as shop.example.com, or *.example.com', (raw) => {
  if (typeof raw !== 'string') return refused;
  if (/:\d*$/.test(raw)) return new Refusal(undefined, 'a host without port or scheme');
  const name = raw.toLowerCase();
  return name === '*' || (HOST.test(name) && name.length <= 253) ? name : refused;
});

/** Whole segments: a slash at the end says nothing and is dropped. */
const path = field<string>('a path such as /shop, without query', (raw) => {
  if (typeof raw !== 'string' || !/^\/[\x21-\x22\x24-\x3e\x40-\x7e]*$/.test(raw)) return refused;
  return raw.replace(/\/+$/, '') || '/';
});

const route = section({ host: host.default('*'), path: path.default('/') });

export const routes = list(route).superRefine((rules, context) => {
  for (const [index, rule] of rules.entries()) {
    const first = rules.findIndex((each) => each.host === rule.host && each.path === rule.path);
    if (first < index)
      addIssue(context, [index], `${rule.host}${rule.path} a second time`, 'each route once');
  }
});

export const EVERY_ROUTE: readonly RouteRule[] = [{ host: '*', path: '/' }];

const NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;

export function isHeaderName(name: string): boolean {
  return NAME.test(name);
}

/** `X-Preview: yes` as a text or a map, or `{ name: X-Preview, value: yes }`. */
const header = field<NonNullable<Preview['header']>>('one `Name: value`, as a text or a map', (raw) => {
  const [name, value] = typeof raw === 'string' ? splitHeader(raw) : readHeader(raw);
  if (typeof name !== 'string' || typeof value !== 'string') return refused;
  return isHeaderName(name) && /^[\x20-\x7e]+$/.test(value) ? { name: name.toLowerCase(), value } : refused;
});

function splitHeader(raw: string): readonly string[] {
  const at = raw.indexOf(':');
  return at < 0 ? [] : [raw.slice(0, at), raw.slice(at + 1).trim()];
}

function readHeader(raw: unknown): readonly unknown[] {
  if (typeof raw !== 'object' || raw === null) return [];
  const [first = [], ...more] = Object.entries(raw);
  if (more.length === 0) return first;
  return 'name' in raw && 'value' in raw && more.length === 1 ? [raw.name, raw.value] : [];
}

/** `beta=1` as a text, or a map of one. */
const cookie = field<NonNullable<Match['cookie']>>('one `name=value`, as a text or a map', (raw) => {
  const [name, value] = typeof raw === 'string' ? splitCookie(raw) : readHeader(raw);
  if (typeof name !== 'string' || typeof value !== 'string') return refused;
  return isHeaderName(name) && /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+$/.test(value)
    ? { name, value }
    : refused;
});

function splitCookie(raw: string): readonly string[] {
  const at = raw.indexOf('=');
  return at < 0 ? [] : [raw.slice(0, at), raw.slice(at + 1)];
}

const matchFields = section({ header: header.optional(), cookie: cookie.optional() });

export const match = matchFields.transform((raw, context): Match => {
  if (raw.header === undefined && raw.cookie === undefined)
    addIssue(context, [], 'neither header nor cookie', 'a header, a cookie, or both');
  return buildMatch(raw);
});

function buildMatch(raw: z.output<typeof matchFields>): Match {
  return {
    ...(raw.header === undefined ? {} : { header: raw.header }),
    ...(raw.cookie === undefined ? {} : { cookie: raw.cookie }),
  };
}

const previewFields = section({
  host: host.optional(),
  header: header.optional(),
  cookie: cookie.optional(),
});

export const preview = previewFields.transform((raw: z.output<typeof previewFields>, context): Preview => {
  if (raw.host === undefined && raw.header === undefined && raw.cookie === undefined) {
    addIssue(context, [], 'neither host nor header nor cookie', 'a host, a header, a cookie, or several');
  }
  if (raw.host?.startsWith('*')) addIssue(context, ['host'], undefined, 'one exact host');
  return { ...(raw.host === undefined ? {} : { host: raw.host }), ...buildMatch(raw) };
});
