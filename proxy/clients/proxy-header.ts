// The header of the PROXY protocol, versions 1 (text) and 2 (binary), with which a balancer that passes connections on
// says whose they are. Pure: the same bytes give the same, however they were cut; takes nothing that the protocol's text
// does not allow for TCP.
import { isIP, SocketAddress } from 'node:net';
import { plainAddress } from './addresses.ts';

export type ProxyHeader =
  /** Not whole yet. */
  | { readonly kind: 'part' }
  | { readonly kind: 'malformed' }
  /** `address` is null where the connection is the balancer's own, as when it only looks whether we live. */
  | { readonly kind: 'whole'; readonly length: number; readonly address: string | null };

/** The longest that version 1 can be, its end included. */
const MAX_TEXT_BYTES = 107;
/** Of version 2, whose length is free: addresses take 52 bytes, what senders add to them a few hundred. */
const MAX_BINARY_BYTES = 4_096;

const TEXT_START = Buffer.from('PROXY ', 'latin1');
const BINARY_START = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const FIXED_BYTES = 16;
const [LOCAL, PROXY] = [0x20, 0x21];

const PART: ProxyHeader = { kind: 'part' };
const MALFORMED: ProxyHeader = { kind: 'malformed' };

/** Of all that has come on the connection so far. */
export function parseProxyHeader(bytes: Buffer): ProxyHeader {
  const start = bytes[0] === BINARY_START[0] ? BINARY_START : TEXT_START;
  const length = Math.min(bytes.length, start.length);
  if (bytes.compare(start, 0, length, 0, length) !== 0) return MALFORMED;
  if (length < start.length) return PART;
  return start === TEXT_START ? parseText(bytes) : parseBinary(bytes);
}

function parseText(bytes: Buffer): ProxyHeader {
  const end = bytes.subarray(0, MAX_TEXT_BYTES).indexOf('\r\n');
  if (end < 0) return bytes.length < MAX_TEXT_BYTES ? PART : MALFORMED;
  const line = bytes.toString('latin1', 0, end);
  const length = end + 2;
  if (/[^\x20-\x7e]/.test(line)) return MALFORMED;
  const [, family, source = '', destination = '', ...ports] = line.split(' ');
  if (family === 'UNKNOWN') return { kind: 'whole', length, address: null };
  const version = family === 'TCP4' ? 4 : family === 'TCP6' ? 6 : null;
  const isValid =
    isAddress(source, version) &&
    isAddress(destination, version) &&
    ports.length === 2 &&
    ports.every(isPort);
  return isValid ? { kind: 'whole', length, address: canonical(source) } : MALFORMED;
}

/** Names of interfaces (`fe80::1%eth0`) say nothing on another machine. */
function isAddress(text: string, version: 4 | 6 | null): boolean {
  return isIP(text) === version && !text.includes('%');
}

function isPort(text: string): boolean {
  return /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535;
}

function parseBinary(bytes: Buffer): ProxyHeader {
  const [command, family] = [bytes[12], bytes[13]];
  if (command !== undefined && command !== LOCAL && command !== PROXY) return MALFORMED;
  const addressBytes = command === LOCAL ? 0 : addressBytesOf(family);
  if (addressBytes === null) return MALFORMED;
  if (bytes.length < FIXED_BYTES) return PART;
  const rest = bytes.readUInt16BE(14);
  const length = FIXED_BYTES + rest;
  if (rest < addressBytes || length > MAX_BINARY_BYTES) return MALFORMED;
  if (bytes.length < length) return PART;
  const address = command === LOCAL ? null : readAddress(bytes, family);
  return { kind: 'whole', length, address };
}

/** What the family says, of streams alone; null for one that there is not. */
function addressBytesOf(family: number | undefined): number | null {
  switch (family) {
    case undefined:
    case 0x00:
      return 0;
    case 0x11:
      return 12;
    case 0x21:
      return 36;
    case 0x31:
      return 216;
    default:
      return null;
  }
}

/** Null for families without addresses that could be told from each other: none, and sockets of the file system. */
function readAddress(bytes: Buffer, family: number | undefined): string | null {
  if (family === 0x11) return bytes.subarray(FIXED_BYTES, FIXED_BYTES + 4).join('.');
  if (family !== 0x21) return null;
  const hex = bytes.toString('hex', FIXED_BYTES, FIXED_BYTES + 16);
  return canonical(hex.replace(/(.{4})(?!$)/g, '$1:'));
}

/** As the system would tell it of a connection of its own: one address is written in one way. */
function canonical(address: string): string {
  if (!address.includes(':')) return address;
  return plainAddress(new SocketAddress({ address, family: 'ipv6' }).address);
}
