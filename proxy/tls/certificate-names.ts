// Which certificate is for which host. Pure; the same in the process that reads them and in each that uses them.
//
// Precedence: the exact name, then the wildcard of one label, then the default one. Of two for one name the one that is
// valid longest.
import { type Certificate, DEFAULT_FILE } from './certificate.ts';

export interface NamedCertificates {
  readonly byName: ReadonlyMap<string, Certificate>;
  readonly byDefault: Certificate | null;
  /** One sentence for each name that several claim. */
  readonly disputes: readonly string[];
}

export const NO_CERTIFICATES: NamedCertificates = { byName: new Map(), byDefault: null, disputes: [] };

export function assignNames(certificates: readonly Certificate[]): NamedCertificates {
  const byName = new Map<string, Certificate>();
  const disputes: string[] = [];
  const ordered = [...certificates].sort((a, b) => b.validTo - a.validTo || compare(a.file, b.file));
  for (const certificate of ordered) {
    for (const name of certificate.names) {
      const winner = byName.get(name);
      if (winner === undefined) byName.set(name, certificate);
      else disputes.push(describeDispute(name, winner, certificate));
    }
  }
  const byDefault = certificates.find(({ file }) => file === DEFAULT_FILE) ?? null;
  return { byName, byDefault, disputes };
}

/** Null when none names this host; the default one is not looked at. `host` in lower case, without port. */
export function findNamed({ byName }: NamedCertificates, host: string): Certificate | null {
  const dot = host.indexOf('.');
  return byName.get(host) ?? (dot > 0 ? byName.get(`*${host.slice(dot)}`) : undefined) ?? null;
}

function describeDispute(name: string, winner: Certificate, loser: Certificate): string {
  return `${winner.file} and ${loser.file} both name ${name}: ${winner.file} is used, which is valid longer.`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
