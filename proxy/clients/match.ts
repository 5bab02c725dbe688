// Whether a request has the header and the cookie that lead to a revision, whatever the split.
import { findCookie } from '../table/affinity.ts';
import type { Match } from '../table/table.ts';
import { findField } from './headers.ts';

/** `raw`: name, value, name, value, …; `cookies`: of all Cookie fields together. */
export function isMatch({ header, cookie }: Match, raw: readonly string[], cookies: string): boolean {
  if (header !== null && findField(raw, header.name) !== header.value) return false;
  return cookie === null || findCookie(cookies, cookie.name) === cookie.value;
}
