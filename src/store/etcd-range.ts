// The end of the range that begins with a prefix, as etcd wants it.

/** The prefix with its last byte that is not 0xff incremented; a zero byte (to the end) when there is none. */
export function endOfPrefix(prefix: Buffer): Buffer {
  for (let i = prefix.length - 1; i >= 0; i -= 1) {
    const byte = prefix[i] ?? 0xff;
    if (byte < 0xff) return Buffer.concat([prefix.subarray(0, i), Buffer.from([byte + 1])]);
  }
  return Buffer.from([0]);
}
