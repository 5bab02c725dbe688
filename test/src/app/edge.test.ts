// From settings to what the data plane is told of its clients' edge, and from its records to lines.
import { describe, expect, it } from 'vitest';
import type { AccessRecord } from '../../../proxy/server.ts';
import { composeAccess, composeEdge, openAccessStream } from '../../../src/app/edge.ts';
import { Releases } from '../../../src/app/releases.ts';
import { readSettings } from '../../../src/config.ts';
import { PROXY_SETTINGS } from '../../../src/config-settings.ts';

const read = (flags: Readonly<Record<string, string>>) => readSettings(PROXY_SETTINGS, flags, {});
const RECORD: AccessRecord = {
  ...{ time: Date.UTC(2026, 0, 2), requestId: 'id', client: '::1', method: 'GET', host: 'a', path: '/' },
  ...{ status: 200, bytes: 10, seconds: 0.5, service: 'web', revision: 3, target: '10.0.0.1:80' },
  ...{ retries: 0, outcome: 'answered' },
};

describe('the edge', () => {
  it('is closed by default: nobody is trusted, and no address has a limit', () => {
    expect(composeEdge(read({}))).toEqual({ maxConnections: 20_000, trusted: [], proxyProtocol: false });
  });

  it('is as the settings say', () => {
    const flags = {
      maxConnections: '5',
      maxConnectionsPerAddress: '2',
      trustedProxies: '::1',
      proxyProtocol: 'true',
    };
    expect(composeEdge(read(flags))).toEqual({
      ...{ maxConnections: 5, maxConnectionsPerAddress: 2, proxyProtocol: true },
      trusted: [{ address: '::1', prefix: 128 }],
    });
  });
});

describe('the access log', () => {
  it('is none, and opens nothing, where nobody asks for it', () => {
    expect(openAccessStream(read({}), new Releases())).toBeNull();
    expect(composeAccess(read({}), null)).toEqual({});
  });

  it('is closed with all else', async () => {
    let isClosed = false;
    const close = async (): Promise<void> => {
      isClosed = true;
    };
    const releases = new Releases();
    const open = () => ({ write: () => undefined, trouble: () => null, close });
    openAccessStream(read({ accessLog: 'true' }), releases, open);
    await releases.close();
    expect(isClosed).toBe(true);
  });

  it('has a line for each record, and of all requests where no sample is asked for', () => {
    const lines: string[] = [];
    const stream = {
      write: (line: string) => void lines.push(line),
      trouble: () => null,
      close: async () => undefined,
    };
    const { accessShare, onAccess } = composeAccess(read({ accessLog: 'true' }), stream);
    expect(accessShare).toBe(1);
    onAccess?.(RECORD);
    const { time: _, requestId, ...others } = RECORD;
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      {
        level: 'info',
        time: '2026-01-02T00:00:00.000Z',
        request_id: requestId,
        ...others,
        message: 'request',
      },
    ]);
    const sampled = read({ accessLog: 'true', accessLogSample: '0' });
    expect(composeAccess(sampled, stream).accessShare).toBe(0);
  });
});
