// Whether a request may change something: the bearer token, compared in constant time.
import { createHash, timingSafeEqual } from 'node:crypto';

export type Permission = 'granted' | 'denied' | 'closed';

/** `closed`: no token is configured, so nothing can be changed here at all. */
export function checkToken(authorization: string | undefined, token: string | null): Permission {
  if (token === null || token === '') return 'closed';
  const given = /^bearer +(\S+) *$/i.exec(authorization ?? '')?.[1] ?? '';
  return timingSafeEqual(digest(given), digest(token)) ? 'granted' : 'denied';
}

/** Equal lengths, whatever was sent. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
