// Registry credentials from Docker's own config.json, read anew for every pull so that `docker login` takes effect.
// Only `auths`; credential helpers are not run. What it returns is for the engine alone and is never logged.
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { messageOf, RuntimeFailure } from './errors.ts';
import { isRecord } from './line-reader.ts';
import { registryOf } from './repository.ts';

export interface RegistryAuth {
  readonly serveraddress: string;
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
}

export function configDirectory(env: Readonly<Record<string, string | undefined>>): string {
  return env.DOCKER_CONFIG || join(homedir(), '.docker');
}

/** Null when there is no file, or nothing in it for this registry. */
export async function readRegistryAuth(image: string, directory: string): Promise<RegistryAuth | null> {
  const path = join(directory, 'config.json');
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw unreadable(path, messageOf(error));
  });
  return text === null ? null : findAuth(parseConfig(text, path), registryOf(image));
}

function parseConfig(text: string, path: string): Record<string, unknown> {
  try {
    const config: unknown = JSON.parse(text);
    return isRecord(config) && isRecord(config.auths) ? config.auths : {};
  } catch {
    // The parser's words may quote the file, and with it a credential.
    throw unreadable(path, 'it is not JSON');
  }
}

function findAuth(auths: Record<string, unknown>, registry: string): RegistryAuth | null {
  const match = Object.entries(auths).find(([server]) => hostOf(server) === registry);
  if (match === undefined || !isRecord(match[1])) return null;
  const [serveraddress, { auth, identitytoken }] = match;
  if (typeof identitytoken === 'string' && identitytoken !== '') return { serveraddress, identitytoken };
  if (typeof auth !== 'string' || auth === '') return null;
  const decoded = Buffer.from(auth, 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  if (colon < 0) return null;
  return { serveraddress, username: decoded.slice(0, colon), password: decoded.slice(colon + 1) };
}

/** `https://index.docker.io/v1/` → `docker.io`. */
function hostOf(server: string): string {
  const host = server.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
  return host === 'index.docker.io' || host === 'registry-1.docker.io' ? 'docker.io' : host;
}

function unreadable(path: string, why: string): RuntimeFailure {
  return new RuntimeFailure('image-pull', `registry credentials in ${path}: ${why}`, {
    pull: 'authentication',
  });
}
