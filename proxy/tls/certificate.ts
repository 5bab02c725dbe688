// One certificate with its key, read from PEM text: whether they can be used together, which hosts they are for, and how
// long. What is in a key never goes into a message, not even in the words of the library that read it.
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';

/** Serves clients that name no host, or one for which there is no certificate. */
export const DEFAULT_FILE = 'default';

export interface Certificate {
  /** The name of its two files, without the ending. */
  readonly file: string;
  /** Hosts, in lower case: exact, or `*.` and the rest. */
  readonly names: readonly string[];
  /** PEM; the certificate of the host first, then those of the authorities between. */
  readonly cert: string;
  readonly key: string;
  /** Milliseconds since the epoch. */
  readonly validFrom: number;
  readonly validTo: number;
}

export type ReadCertificate =
  | { readonly ok: true; readonly certificate: Certificate }
  | { readonly ok: false; readonly problem: string };

/** An expired one can be used: it is for whoever shows it to warn of that. */
export function readCertificate(file: string, cert: string, key: string): ReadCertificate {
  const refuse = (problem: string): ReadCertificate => ({ ok: false, problem });
  const parsed = parseCertificate(cert);
  if (parsed === null) return refuse('the .crt is no certificate in PEM, or was cut off');
  const privateKey = parseKey(key);
  if (typeof privateKey === 'string') return refuse(privateKey);
  if (!parsed.checkPrivateKey(privateKey)) return refuse('the key is not that of the certificate');
  const unusable = tryOut(cert, key);
  if (unusable !== null) return refuse(unusable);
  const names = readNames(parsed.subjectAltName ?? '');
  if (names.length === 0 && file !== DEFAULT_FILE)
    return refuse('the certificate names no host in its subjectAltName');
  const [validFrom, validTo] = [Date.parse(parsed.validFrom), Date.parse(parsed.validTo)];
  return { ok: true, certificate: { file, names, cert, key, validFrom, validTo } };
}

function parseCertificate(cert: string): X509Certificate | null {
  try {
    return new X509Certificate(cert);
  } catch {
    return null;
  }
}

/** The key, or what is wrong with it. */
function parseKey(key: string): KeyObject | string {
  try {
    return createPrivateKey(key);
  } catch (error) {
    const isLocked = codeOf(error) === 'ERR_MISSING_PASSPHRASE' || /ENCRYPTED/.test(key);
    return isLocked
      ? 'the key has a passphrase; store it without one'
      : 'the .key is no private key in PEM, or was cut off';
  }
}

/** As it is used later: also what comes behind the first certificate is read, and weak keys are refused. */
function tryOut(cert: string, key: string): string | null {
  try {
    createSecureContext({ cert, key });
    return null;
  } catch (error) {
    return `they cannot be used (${codeOf(error)})`;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'no code';
}

/** `DNS:a.example, DNS:*.b.example, IP Address:10.0.0.1`: node quotes a name with anything else in it. */
function readNames(subjectAltName: string): readonly string[] {
  const names = subjectAltName
    .split(', ')
    .filter((entry) => entry.startsWith('DNS:'))
    .map((entry) => entry.slice(4).toLowerCase());
  return [...new Set(names)].filter((name) => /^(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(name));
}
