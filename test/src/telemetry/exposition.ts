// Reads Prometheus' text format, for tests.

export interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly type: string;
  readonly help: string;
  readonly series: readonly Series[];
}

/** By metric name; `_bucket`, `_sum` and `_count` belong to their histogram. Throws on a line that is not the format. */
export function readExposition(text: string): ReadonlyMap<string, Family> {
  const families = new Map<string, { type: string; help: string; series: Series[] }>();
  for (const line of text.split('\n').filter((each) => each !== '')) {
    const head = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line);
    if (head !== null) {
      const [, what, name = '', rest = ''] = head;
      const family = families.get(name) ?? { type: '', help: '', series: [] };
      families.set(name, what === 'HELP' ? { ...family, help: rest } : { ...family, type: rest });
      continue;
    }
    const sample = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (sample === null) throw new Error(`not the text format: ${line}`);
    const [, name = '', labels = '', value] = sample;
    const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ''));
    if (family === undefined) throw new Error(`a sample without its TYPE: ${line}`);
    family.series.push({
      name,
      labels: readLabels(labels),
      value: Number(value?.replace('Inf', 'Infinity')),
    });
  }
  return families;
}

function readLabels(text: string): Readonly<Record<string, string>> {
  const pairs = text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g);
  return Object.fromEntries(
    [...pairs].map(([, name = '', value = '']) => [name, value.replace(/\\(.)/g, '$1')]),
  );
}

/** The value of one series of one name, or undefined when it does not exist. */
export function readValue(
  text: string,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const wanted = JSON.stringify(Object.entries(labels).sort());
  const family =
    readExposition(text).get(name) ?? readExposition(text).get(name.replace(/_(bucket|sum|count)$/, ''));
  return family?.series.find(
    (each) => each.name === name && JSON.stringify(Object.entries(each.labels).sort()) === wanted,
  )?.value;
}
