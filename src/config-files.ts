// What the settings only name: the password and the certificates for etcd, the admin token, read from their files.
import { readFile } from 'node:fs/promises';
import { type ClientConfig, ConfigProblem, type ServeConfig } from './config.ts';
import { flagOf, type SettingName } from './config-settings.ts';
import type { EtcdOptions } from './store/etcd.ts';

/** Where an embedded etcd answers, to its own daemon as to every client. */
export const EMBEDDED_ENDPOINT = 'http://127.0.0.1:2379';

/** Throws `ConfigProblem` for a file that cannot be read. The password never goes into a message. */
export async function readEtcdOptions(config: ClientConfig): Promise<EtcdOptions> {
  const [password, ca, cert, key] = await Promise.all([
    readOptional('etcdPasswordFile', config.etcdPasswordFile),
    readOptional('etcdCa', config.etcdCa),
    readOptional('etcdCert', config.etcdCert),
    readOptional('etcdKey', config.etcdKey),
  ]);
  return {
    endpoints: config.etcd === 'embedded' ? [EMBEDDED_ENDPOINT] : config.etcd,
    ...(config.etcdUser === null ? {} : { user: config.etcdUser }),
    ...(password === null ? {} : { password: password.replace(/\r?\n$/, '') }),
    ...(ca === null ? {} : { ca }),
    ...(cert === null ? {} : { cert }),
    ...(key === null ? {} : { key }),
  };
}

const TOKEN = 'one with the token as its only word, such as `openssl rand -hex 32` makes';

/** Null where none is configured. Throws `ConfigProblem` for a file without a token; what is in it is never told. */
export async function readAdminToken({
  adminTokenFile: path,
}: Pick<ServeConfig, 'adminTokenFile'>): Promise<string | null> {
  const text = await readOptional('adminTokenFile', path, TOKEN);
  if (text === null) return null;
  const words = text.split(/\s+/).filter((word) => word !== '');
  const [token] = words;
  if (token !== undefined && words.length === 1) return token;
  const found = token === undefined ? 'an empty file' : 'several words in the file';
  throw new ConfigProblem([`${flagOf('adminTokenFile')}: found ${found} (${path}), expected ${TOKEN}`]);
}

async function readOptional(
  name: SettingName,
  path: string | null,
  expected = 'a readable one',
): Promise<string | null> {
  if (path === null) return null;
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ConfigProblem([
      `${flagOf(name)}: found a file that cannot be read (${why}), expected ${expected}`,
    ]);
  }
}
