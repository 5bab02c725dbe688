// How a service wants its targets and its requests to be treated beyond plain forwarding: the readers of those fields of
// `proxy`, each with its default. Decides nothing.
import { GLOB, type Glob, parseGlob } from './glob.ts';
import type { Reader } from './reader.ts';
import type { ServiceSettings } from './table.ts';

type Treatment = Pick<ServiceSettings, 'ejection' | 'slowStartMs' | 'retryPercent' | 'assets'>;

export function readTreatment(reader: Reader, fields: Readonly<Record<string, unknown>>): Treatment {
  return {
    ejection: readEjection(reader, fields.ejection),
    slowStartMs: isOff(fields.slow_start) ? 0 : reader.durationMs(fields.slow_start, 'proxy.slow_start', 0),
    assets: readGlobs(reader, fields.assets, 'proxy.assets'),
    retryPercent: reader.integer(fields.retry_budget, 'proxy.retry_budget', 0, 100, 20),
  };
}

/** On by default: null turns it off. */
function readEjection(reader: Reader, value: unknown): ServiceSettings['ejection'] {
  if (value === null) return null;
  const fields = value === undefined ? {} : reader.fields(value, 'proxy.ejection');
  return {
    errors: reader.integer(fields.errors, 'proxy.ejection.errors', 1, 100, 3),
    timeMs: reader.durationMs(fields.time, 'proxy.ejection.time', 10_000),
  };
}

function readGlobs(reader: Reader, value: unknown, path: string): readonly Glob[] {
  if (isOff(value)) return [];
  return reader.list(value, path).map((item, index) => {
    return parseGlob(reader.text(item, `${path}[${index}]`, GLOB, 'a path with * for any characters'));
  });
}

function isOff(value: unknown): boolean {
  return value === undefined || value === null;
}
