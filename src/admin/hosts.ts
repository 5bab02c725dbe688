// Which Host headers are answered. DNS rebinding needs a name that an attacker can point at us: a name with a dot in
// it. Addresses, names without a dot, and names that were configured cannot be such.
import { isIP } from 'node:net';

/** `allowed` are names, with or without port. */
export function isAllowedHost(header: string | undefined, allowed: readonly string[]): boolean {
  const name = readName(header ?? '');
  if (name === null) return false;
  if (isIP(name) > 0 || !name.includes('.') || name.endsWith('.localhost')) return true;
  return allowed.some((each) => readName(each) === name);
}

/** Lower case, without port and brackets; null when it is no host. */
function readName(header: string): string | null {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9_.-]+))(?::\d{1,5})?$/.exec(header.toLowerCase());
  const name = match?.[1] ?? match?.[2]?.replace(/\.$/, '');
  return name === undefined || name === '' ? null : name;
}
