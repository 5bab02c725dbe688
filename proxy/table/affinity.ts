// The cookie by which a client stays on a revision across requests, and cookies as such. Reads and writes text; decides
// nothing.
import type { Affinity } from './table.ts';

/** The revision that the cookie names, or null. */
export function readAffinity(cookies: string, affinity: Affinity): number | null {
  const revision = Number(findCookie(cookies, affinity.cookie) ?? Number.NaN);
  return Number.isSafeInteger(revision) && revision > 0 ? revision : null;
}

/** The first of that name, or null. */
export function findCookie(cookies: string, name: string): string | null {
  const prefix = `${name}=`;
  for (let start = 0; start < cookies.length; ) {
    const semicolon = cookies.indexOf(';', start);
    const end = semicolon < 0 ? cookies.length : semicolon;
    const pair = cookies.slice(start, end).trim();
    if (pair.startsWith(prefix)) return pair.slice(prefix.length);
    start = end + 1;
  }
  return null;
}

export function renderAffinity(affinity: Affinity, revision: number, secure: boolean): string {
  const { cookie, ttlSeconds } = affinity;
  const flags = `Path=/; Max-Age=${ttlSeconds}; HttpOnly; SameSite=Lax`;
  return `${cookie}=${revision}; ${flags}${secure ? '; Secure' : ''}`;
}
