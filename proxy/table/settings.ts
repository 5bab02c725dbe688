// How a service wants its targets and its requests to be treated beyond plain forwarding: the readers of those fields of
// `proxy`, each with its default. Decides nothing.
import { GLOB, type Glob, parseGlob } from './glob.ts';
import type { Reader } from './reader.ts';
import type { ServiceSettings } from './table.ts';

type Treatment = Pick<
  ServiceSettings,
  'ejection' | 'slowStartMs' | 'retryPercent' | 'assets' | 'maintenance'
>;

export function readTreatment(reader: Reader, fields: Readonly<Record<string, unknown>>): Treatment {
  return {
    ejection: readEjection(reader, fields.ejection),
    slowStartMs: isOff(fields.slow_start) ? 0 : reader.durationMs(fields.slow_start, 'proxy.slow_start', 0),
    assets: readGlobs(reader, fields.assets, 'proxy.assets'),
    maintenance: readMaintenance(reader, fields.maintenance),
    retryPercent: reader.integer(fields.retry_budget, 'proxy.retry_budget', 0, 100, 20),
  };
}

/** As many characters as a page of that size may have at most. */
const ANY_TEXT = /^[\s\S]{0,16384}$/;

/** On by default: null turns it off. */
function readEjection(reader: Reader, value: unknown): ServiceSettings['ejection'] {
  if (value === null) return null;
  const fields = value === undefined ? {} : reader.fields(value, 'proxy.ejection');
  return {
    errors: reader.integer(fields.errors, 'proxy.ejection.errors', 1, 100, 3),
    timeMs: reader.durationMs(fields.time, 'proxy.ejection.time', 10_000),
  };
}

function readMaintenance(reader: Reader, value: unknown): ServiceSettings['maintenance'] {
  if (isOff(value)) return null;
  const path = 'proxy.maintenance';
  const fields = reader.fields(value, path);
  const message = reader.text(fields.message, `${path}.message`, ANY_TEXT, 'a text of up to 16 KiB', '');
  const retryMs = reader.durationMs(fields.retry_after, `${path}.retry_after`, 60_000);
  return {
    message,
    isPage: /^\s*</.test(message),
    retryAfter: String(Math.ceil(retryMs / 1_000)),
    allow: readGlobs(reader, fields.allow, `${path}.allow`),
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
