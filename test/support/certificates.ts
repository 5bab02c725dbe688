// Certificates for tests, made with openssl: an authority, or a certificate for 127.0.0.1 that one has signed.
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Writes `NAME.pem` and `NAME.key` into the folder; without an issuer it is an authority. */
export async function issue(folder: string, name: string, issuer: string | null): Promise<void> {
  const [key, cert] = [join(folder, `${name}.key`), join(folder, `${name}.pem`)];
  const extensions = join(folder, `${name}.ext`);
  writeFileSync(
    extensions,
    issuer
      ? 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n'
      : 'basicConstraints=CA:TRUE\n',
  );
  const request = join(folder, `${name}.csr`);
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  await run('openssl', ['req', '-new', ...ec, '-keyout', key, '-out', request, '-subj', `/CN=${name}`]);
  const signer = issuer
    ? ['-CA', join(folder, `${issuer}.pem`), '-CAkey', join(folder, `${issuer}.key`), '-CAcreateserial']
    : ['-signkey', key];
  const args = [
    'x509',
    '-req',
    '-in',
    request,
    '-days',
    '2',
    '-extfile',
    extensions,
    '-out',
    cert,
    ...signer,
  ];
  await run('openssl', args);
}
