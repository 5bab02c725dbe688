// The protocols that a client offers to go over to (`Upgrade`). HTTP itself is never among them: an `h2c` that reached
// a target would carry requests that nobody here has seen (RFC 9110 7.8 lets any offer be left alone).
import { findField } from './headers.ts';
import type { RequestLines } from './request-head.ts';

/** The offers that may go to a target, as one field; empty when there is none. */
export function readOffer(upgrade: string): string {
  if (upgrade === '') return '';
  const offers = upgrade.split(',').map((offer) => offer.trim());
  return offers.filter((offer) => offer !== '' && !/^(h2|http\b)/i.test(offer)).join(', ');
}

/** A request with a body does not go over. */
export function isOffer({ method, block }: RequestLines): boolean {
  const { isOffer, minor, framing, fields } = block;
  if (!isOffer || method !== 'GET' || minor === 0 || framing.kind !== 'none') return false;
  return readOffer(findField(fields, 'upgrade') ?? '') !== '';
}
