// Numbers → Prometheus' text format, for series that are counted elsewhere. Knows no metric by name.

export type Labels = Readonly<Record<string, string | number>>;

/** `suffix` is `_bucket`, `_sum` or `_count` of a histogram. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number;
  readonly suffix?: string;
}

export interface Family {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly samples: readonly Sample[];
}

export function formatFamilies(families: readonly Family[]): string {
  return families.map(formatFamily).join('\n');
}

function formatFamily({ name, type, help, samples }: Family): string {
  const lines = samples.map(
    ({ labels, value, suffix = '' }) => `${name}${suffix}${formatLabels(labels)} ${formatNumber(value)}`,
  );
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines, ''].join('\n');
}

function formatLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(String(value))}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escapeLabel(value: string): string {
  return value.replace(/\\/g, '\\\\').replace(/\n/g, '\\n').replace(/"/g, '\\"');
}

function formatNumber(value: number): string {
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value);
}

/**
 * One histogram's samples. `counts` has one more entry than `bounds`, each bucket by itself:
 * bounds [1, 5], counts [2, 1, 4] → le="1" 2, le="5" 3, le="+Inf" 7, count 7.
 */
export function listHistogram(
  labels: Labels,
  bounds: readonly number[],
  counts: readonly number[],
  sum: number,
): readonly Sample[] {
  let total = 0;
  const buckets = [...bounds, Infinity].map((bound, index): Sample => {
    total += counts[index] ?? 0;
    return { labels: { ...labels, le: formatNumber(bound) }, value: total, suffix: '_bucket' };
  });
  return [...buckets, { labels, value: sum, suffix: '_sum' }, { labels, value: total, suffix: '_count' }];
}
