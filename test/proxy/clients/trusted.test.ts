import { expect, it } from 'vitest';
import { TrustedPeers } from '../../../proxy/clients/trusted.ts';

const PEERS = new TrustedPeers([
  { address: '10.1.0.0', prefix: 16 },
  { address: '192.0.2.7', prefix: 32 },
  { address: 'fd00::', prefix: 8 },
]);

it.each([
  ['10.1.255.255', true],
  ['10.2.0.0', false],
  ['192.0.2.7', true],
  ['192.0.2.8', false],
  ['fdff::1', true],
  ['fe80::1', false],
  ['', false],
])('%s is trusted: %s', (address, isTrusted) => {
  expect(PEERS.has(address)).toBe(isTrusted);
  expect(new TrustedPeers([]).has(address)).toBe(false);
});
