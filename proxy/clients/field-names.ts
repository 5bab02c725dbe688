// What is to be known of header fields by their names: which belong to one connection, which only the proxy may say,
// which may not come after a body. Reads no message.

/** Fields of one connection (RFC 9110 7.6.1); framing and `Trailer` are written anew by whoever sends. */
export const HOP_BY_HOP: ReadonlySet<string> = new Set([
  ...['connection', 'keep-alive', 'proxy-connection', 'proxy-authenticate', 'proxy-authorization', 'te'],
  ...['transfer-encoding', 'content-length', 'trailer', 'upgrade', 'http2-settings'],
]);

/** What only the proxy says of the way so far, `x-forwarded-…` beside them. */
const OF_THE_WAY: ReadonlySet<string> = new Set(['forwarded', 'x-real-ip', 'x-request-id']);

/** Fields that may not come after the body (RFC 9110 6.5.1), beside those above. */
export const NOT_IN_TRAILERS: ReadonlySet<string> = new Set([
  ...['host', 'content-encoding', 'content-type', 'content-range', 'authorization', 'cookie', 'set-cookie'],
  ...[
    'cache-control',
    'expect',
    'max-forwards',
    'pragma',
    'range',
    'age',
    'date',
    'expires',
    'location',
    'vary',
  ],
]);

/** `X_Forwarded_For` is `X-Forwarded-For` to a target that turns names into variables, as CGI does. */
export function isDisguised(lower: string): boolean {
  if (!lower.includes('_')) return false;
  const plain = lower.replaceAll('_', '-');
  return HOP_BY_HOP.has(plain) || isOfTheWay(plain);
}

export function isOfTheWay(lower: string): boolean {
  return lower.startsWith('x-forwarded-') || OF_THE_WAY.has(lower);
}

/** Null when `Connection` only says how to go on. */
export function namedByConnection(connection: string): Set<string> | null {
  if (connection === '' || connection === 'keep-alive' || connection === 'close') return null;
  return new Set(
    connection
      .toLowerCase()
      .split(',')
      .map((name) => name.trim()),
  );
}

export function dropNamed(list: string[], named: ReadonlySet<string>): void {
  let kept = 0;
  for (let index = 0; index < list.length; index += 2) {
    const name = list[index] ?? '';
    if (named.has(name.toLowerCase())) continue;
    list[kept] = name;
    list[kept + 1] = list[index + 1] ?? '';
    kept += 2;
  }
  list.length = kept;
}

/** Several fields of one name are one list. */
export function joinValues(before: string, value: string): string {
  return before === '' ? value : `${before}, ${value}`;
}
