// Whether a transaction landed, read from etcd's reply as it stands on the wire: a gRPC frame with a `TxnResponse`, whose
// first field is a header and whose second, a bool, is left out when it is false.

const FRAME_HEAD = 5;
const HEADER_FIELD = 0x0a;
const SUCCEEDED_FIELD = 0x10;

export function hasLanded(reply: Buffer): boolean {
  let at = FRAME_HEAD;
  if (reply[at] === HEADER_FIELD) at += 2 + (reply[at + 1] ?? 0);
  return reply[at] === SUCCEEDED_FIELD && reply[at + 1] === 1;
}
