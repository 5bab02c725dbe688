// Certificates for tests, made with openssl: an authority, a certificate for 127.0.0.1 that one has signed, or one for hosts.
import { execFile } from 'node:child_process';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Writes `NAME.pem` and `NAME.key` into the folder; without an issuer it is an authority. */
export async function issue(folder: string, name: string, issuer: string | null): Promise<void> {
  const extensions = issuer
    ? 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n'
    : 'basicConstraints=CA:TRUE\n';
  await sign({ folder, name, issuer, extensions, days: 2, ending: 'pem' });
}

export interface HostCertificate {
  /** Of `subjectAltName`; none at all when there are none. */
  readonly hosts: readonly string[];
  /** From now on; negative: expired. */
  readonly days?: number;
}

/** Writes `NAME.crt` and `NAME.key` into the folder, signed by nobody else; the key for its owner alone. */
export async function issueForHosts(
  folder: string,
  name: string,
  { hosts, days = 2 }: HostCertificate,
): Promise<void> {
  const names = hosts.map((host) => `DNS:${host}`).join();
  const extensions = names === '' ? 'basicConstraints=CA:FALSE\n' : `subjectAltName=${names}\n`;
  await sign({ folder, name, issuer: null, extensions, days, ending: 'crt' });
}

/** As `issueForHosts`, but beside, and then put in the place of what is there by renaming. */
export async function renewForHosts(
  folder: string,
  name: string,
  certificate: HostCertificate,
): Promise<void> {
  const beside = join(folder, '.renewal');
  mkdirSync(beside, { recursive: true });
  await issueForHosts(beside, name, certificate);
  for (const ending of ['key', 'crt'])
    renameSync(join(beside, `${name}.${ending}`), join(folder, `${name}.${ending}`));
}

interface Signing {
  readonly folder: string;
  readonly name: string;
  readonly issuer: string | null;
  readonly extensions: string;
  readonly days: number;
  readonly ending: string;
}

async function sign({ folder, name, issuer, extensions, days, ending }: Signing): Promise<void> {
  const [key, cert] = [join(folder, `${name}.key`), join(folder, `${name}.${ending}`)];
  const [extensionFile, request] = [join(folder, `${name}.ext`), join(folder, `${name}.csr`)];
  writeFileSync(extensionFile, extensions);
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  await run('openssl', ['req', '-new', ...ec, '-keyout', key, '-out', request, '-subj', `/CN=${name}`]);
  const signer = issuer
    ? ['-CA', join(folder, `${issuer}.pem`), '-CAkey', join(folder, `${issuer}.key`), '-CAcreateserial']
    : ['-signkey', key];
  const validity = ['-days', String(days), '-extfile', extensionFile];
  await run('openssl', ['x509', '-req', '-in', request, ...validity, '-out', cert, ...signer]);
}
