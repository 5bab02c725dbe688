// Doctor's checks of the addresses that `serve` would listen on: free, taken by a running Slipway, or taken.
import { createServer } from 'node:net';
import type { ListenAddress, ServeConfig } from '../config.ts';
import { type Finding, fail, ok } from './finding.ts';

const ANSWER_MS = 2000;

export async function checkPorts(config: ServeConfig): Promise<Finding[]> {
  const isRunning = await answersHealth(config.admin);
  const proxies = config.noProxy
    ? []
    : [
        checkPort('port --http', config.http, isRunning),
        ...(config.https === null ? [] : [checkPort('port --https', config.https, isRunning)]),
        checkPort('port --proxy-admin', config.proxyAdmin, isRunning),
      ];
  return Promise.all([checkPort('port --admin', config.admin, isRunning), ...proxies]);
}

async function checkPort(check: string, address: ListenAddress, isRunning: boolean): Promise<Finding> {
  const shown = formatAddress(address);
  const code = await tryListening(address);
  if (code === null) return ok(check, `${shown} is free`);
  if (code === 'EADDRINUSE') {
    if (isRunning) return ok(check, `${shown} is taken, and a Slipway runs here`);
    return fail(
      check,
      `${shown} is taken`,
      `find by whom with \`ss -ltnp\`, or choose another with ${check.split(' ')[1]}`,
    );
  }
  if (code === 'EACCES') {
    return fail(
      check,
      `${shown} may not be used`,
      'choose a port above 1023, or run with CAP_NET_BIND_SERVICE',
    );
  }
  return fail(check, `${shown}: ${code}`, 'choose an address of this machine');
}

export function formatAddress({ host, port }: ListenAddress): string {
  if (host === null) return `:${port}`;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Null when it can be listened on; else the error's code. */
function tryListening({ host, port }: ListenAddress): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ port, ...(host === null ? {} : { host }) }, () => server.close(() => resolve(null)));
  });
}

async function answersHealth({ host, port }: ListenAddress): Promise<boolean> {
  const name = formatAddress({ host: host ?? '127.0.0.1', port });
  try {
    const answer = await fetch(`http://${name}/healthz`, { signal: AbortSignal.timeout(ANSWER_MS) });
    await answer.body?.cancel();
    return answer.ok;
  } catch {
    return false;
  }
}
