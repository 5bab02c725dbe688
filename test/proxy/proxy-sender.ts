// Headers of the PROXY protocol, as a balancer before us sends them.
import { isIPv4 } from 'node:net';

export const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');

export interface Way {
  readonly source: string;
  readonly destination: string;
  readonly from: number;
  readonly to: number;
}

/** Of a client with this address. */
export function wayOf(source: string): Way {
  return { source, destination: isIPv4(source) ? '10.0.0.1' : '::1', from: 50_000, to: 80 };
}

export function composeText({ source, destination, from, to }: Way): Buffer {
  const family = isIPv4(source) ? 'TCP4' : 'TCP6';
  return Buffer.from(`PROXY ${family} ${source} ${destination} ${from} ${to}\r\n`, 'latin1');
}

/** `more`: what stands behind the addresses. */
export function composeBinary({ source, destination, from, to }: Way, more = Buffer.alloc(0)): Buffer {
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(from, 0);
  ports.writeUInt16BE(to, 2);
  const body = Buffer.concat([bytesOf(source), bytesOf(destination), ports, more]);
  const fixed = Buffer.from([0x21, isIPv4(source) ? 0x11 : 0x21, body.length >> 8, body.length & 0xff]);
  return Buffer.concat([SIGNATURE, fixed, body]);
}

/** IPv6 with `::` at one place at most, and IPv4 at its end. */
function bytesOf(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail] = address.split('::');
  const [before, behind] = [groupsOf(head), groupsOf(tail ?? '')];
  const between = Array<number>(16 - before.length - behind.length).fill(0);
  return Buffer.from([...before, ...between, ...behind]);
}

function groupsOf(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number);
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}
