// The program's own version, from its package.json: in a checkout, and beside the built program alike.
import { existsSync, readFileSync } from 'node:fs';

export function readProgramVersion(): string {
  const urls = ['../package.json', '../../package.json'].map((path) => new URL(path, import.meta.url));
  const found = urls.find((url) => existsSync(url));
  if (found === undefined) return 'unknown';
  const parsed: unknown = JSON.parse(readFileSync(found, 'utf8'));
  return typeof parsed === 'object' && parsed !== null && 'version' in parsed
    ? String(parsed.version)
    : 'unknown';
}
