// The edge towards clients, from the settings: who is believed, and how much clients may take.
import type { ProxyOptions } from '../../proxy/server.ts';
import type { ProxyConfig } from '../config.ts';

export function composeEdge(config: ProxyConfig): Partial<ProxyOptions> {
  const { maxConnections, maxConnectionsPerAddress, trustedProxies, proxyProtocol } = config;
  return {
    maxConnections,
    ...(maxConnectionsPerAddress === 0 ? {} : { maxConnectionsPerAddress }),
    trusted: trustedProxies ?? [],
    proxyProtocol,
  };
}
