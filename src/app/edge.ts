// The edge towards clients, from the settings: who is believed, how much clients may take, and what is told of them.
import type { AccessRecord, ProxyOptions } from '../../proxy/server.ts';
import type { ProxyConfig } from '../config.ts';
import { type BackgroundStream, openBackgroundStream } from '../telemetry/background-stream.ts';
import { createAccessLog, type LogFields } from '../telemetry/log.ts';
import type { Releases } from './releases.ts';

export function composeEdge(config: ProxyConfig): Partial<ProxyOptions> {
  const { maxConnections, maxConnectionsPerAddress, trustedProxies, proxyProtocol } = config;
  return {
    maxConnections,
    ...(maxConnectionsPerAddress === 0 ? {} : { maxConnectionsPerAddress }),
    trusted: trustedProxies ?? [],
    proxyProtocol,
  };
}

/** Null where nobody asks for it. */
export function openAccessStream(
  { accessLog }: ProxyConfig,
  releases: Releases,
  open: () => BackgroundStream = openBackgroundStream,
): BackgroundStream | null {
  if (!accessLog) return null;
  const stream = open();
  releases.add('access log', () => stream.close());
  return stream;
}

export function composeAccess(
  { accessLogSample }: ProxyConfig,
  stream: BackgroundStream | null,
): Partial<ProxyOptions> {
  if (stream === null) return {};
  const write = createAccessLog(stream);
  return { accessShare: accessLogSample ?? 1, onAccess: (record) => write(describeRequest(record)) };
}

/** In the order in which a person reads it. */
function describeRequest({ time, requestId, ...record }: AccessRecord): LogFields {
  return { time: new Date(time).toISOString(), request_id: requestId, ...record };
}
