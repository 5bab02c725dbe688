// The commands of a document, as it tells them to its readers: what is tested is what stands there.
import { readFileSync } from 'node:fs';

/**
 * The lines of the shell block after `<!-- marker -->` in a file of docs/, as words; comments and empty lines are left
 * out. `places` puts the test's own paths where the document has others.
 */
export function readShell(
  file: string,
  marker: string,
  places: Readonly<Record<string, string>> = {},
): string[][] {
  const text = readFileSync(new URL(`../../docs/${file}`, import.meta.url), 'utf8');
  const [, after = ''] = text.split(`<!-- ${marker} -->`);
  const [, block = ''] = /^\s*```sh\n([\s\S]*?)```/.exec(after) ?? [];
  const put = (line: string): string =>
    Object.entries(places).reduce((changed, [from, to]) => changed.replaceAll(from, to), line);
  const lines = block.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  if (lines.length === 0) throw new Error(`docs/${file} has no commands after <!-- ${marker} -->`);
  return lines.map((line) => put(line).split(/\s+/));
}
