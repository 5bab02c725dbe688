// The `Forwarded` field for targets (RFC 7239): one element for each connection on the way, the last one ours. Pure text.
import { isIP, isIPv6 } from 'node:net';
import type { Claims } from './fields.ts';
import { parseHost } from './host.ts';

/** Of one connection to us: what all its requests have in common. */
export function describeHop(address: string, proto: string): string {
  return `for=${renderNode(address)};proto=${proto}`;
}

/** Behind what a trusted peer says; its `X-Forwarded-…` are put into the words of this field where it has none itself. */
export function composeForwarded(claims: Claims, hop: string, host: string): string {
  const own = `${hop}${renderHost(host)}`;
  if (claims.forwarded !== '') return isClosed(claims.forwarded) ? `${claims.forwarded}, ${own}` : own;
  return claims.forwardedFor === '' ? own : `${translate(claims, claims.forwardedFor)}, ${own}`;
}

/**
 * Targets that know this field look at no other, and take the first element for the client's. Without this a peer
 * that says `X-Forwarded-Proto: https` would no more be heard.
 */
function translate({ proto, host }: Claims, forwardedFor: string): string {
  const [first = '', ...others] = forwardedFor.split(',').map((node) => `for=${renderNode(node.trim())}`);
  const scheme = /^[a-z][a-z0-9+.-]*$/i.test(proto) ? `;proto=${proto}` : '';
  const named = parseHost(host) === null ? '' : renderHost(host);
  return [first + scheme + named, ...others].join(', ');
}

function renderNode(node: string): string {
  if (isIPv6(node)) return `"[${node}]"`;
  if (isIP(node) !== 0) return node;
  return /^([\d.]+|\[[\da-f:.]+\])(:\d{1,5})?$/i.test(node) ? `"${node}"` : 'unknown';
}

/** It has passed `parseHost`: nothing in it ends a quotation. */
function renderHost(host: string): string {
  if (host === '') return '';
  return host.includes(':') || host.includes('[') ? `;host="${host}"` : `;host=${host}`;
}

/** A quotation that stays open would swallow what we say behind it. */
function isClosed(list: string): boolean {
  return !list.includes('"') || /^(?:[^"\\]|"(?:[^"\\]|\\.)*")*$/.test(list);
}
