// Where the engine is: the `--docker` flag or DOCKER_HOST, read once, checked before the first call. The Docker socket
// is root, so plain TCP off loopback is refused.
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { messageOf, RuntimeFailure } from './errors.ts';

export type EngineEndpoint =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly tls: ClientTls | null };

export interface ClientTls {
  readonly ca: Buffer;
  readonly cert: Buffer;
  readonly key: Buffer;
}

export const DEFAULT_SOCKET = '/var/run/docker.sock';

type Environment = Readonly<Record<string, string | undefined>>;

/** `text` wins over DOCKER_HOST, which wins over the local socket. Throws `invalid-request` with the next move. */
export function parseEndpoint(text: string | undefined, env: Environment): EngineEndpoint {
  const address = text || env.DOCKER_HOST || `unix://${DEFAULT_SOCKET}`;
  if (address.startsWith('unix://')) return { kind: 'unix', path: address.slice(7) || DEFAULT_SOCKET };
  if (address.startsWith('/')) return { kind: 'unix', path: address };
  if (!address.startsWith('tcp://')) {
    throw refusal(address, 'use unix:///path/to/docker.sock or tcp://host:port');
  }
  return parseTcp(address, env);
}

function parseTcp(address: string, env: Environment): EngineEndpoint {
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url === null || url.hostname === '' || url.username !== '' || !/^\/?$/.test(url.pathname)) {
    throw refusal(address, 'expected tcp://host:port');
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const tls = wantsTls(env) ? readTls(env.DOCKER_CERT_PATH ?? join(homedir(), '.docker')) : null;
  if (tls === null && !isLoopback(host)) {
    throw refusal(
      address,
      'plain TCP off loopback would hand root to the network; set DOCKER_CERT_PATH and DOCKER_TLS_VERIFY=1',
    );
  }
  return { kind: 'tcp', host, port: Number(url.port) || (tls === null ? 2375 : 2376), tls };
}

function wantsTls(env: Environment): boolean {
  return Boolean(env.DOCKER_TLS_VERIFY) || Boolean(env.DOCKER_CERT_PATH);
}

function readTls(directory: string): ClientTls {
  try {
    const read = (file: string) => readFileSync(join(directory, file));
    return { ca: read('ca.pem'), cert: read('cert.pem'), key: read('key.pem') };
  } catch (error) {
    throw new RuntimeFailure(
      'invalid-request',
      `Docker’s client certificates: ${messageOf(error)}; ${directory} needs ca.pem, cert.pem and key.pem`,
      { cause: error },
    );
  }
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

function refusal(address: string, nextMove: string): RuntimeFailure {
  return new RuntimeFailure('invalid-request', `Docker address ${address}: ${nextMove}`);
}

export function describeEndpoint(endpoint: EngineEndpoint): string {
  return endpoint.kind === 'unix' ? `unix://${endpoint.path}` : `tcp://${endpoint.host}:${endpoint.port}`;
}
