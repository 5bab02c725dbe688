// A pull's progress lines → one line for a person, and the digest that the registry answered with. Pure.

/** One line of the engine's pull stream, as far as we use it. */
type PullLine = Readonly<Record<string, unknown>>;

export class PullProgress {
  readonly #layers = new Map<string, { readonly done: number; readonly total: number }>();
  #digest: string | null = null;
  #isComplete = false;

  /** The failure that the line carries (an error inside a stream of status 200), or null. */
  push(line: PullLine): string | null {
    const failure = failureOf(line);
    if (failure !== null) return failure;
    if (typeof line.status === 'string') this.#readStatus(line.status, line);
    return null;
  }

  /** What the engine says that it pulled; null until it has said so. */
  get digest(): string | null {
    return this.#digest;
  }

  /** Docker's stream reached its last lines: one that ends before was cut. Podman writes none such. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** `pulling 43 % (12.3 of 28.1 MB)`, summed over the layers whose size is known. */
  describe(): string {
    const layers = [...this.#layers.values()];
    const total = layers.reduce((sum, layer) => sum + layer.total, 0);
    if (total === 0) return 'pulling';
    const done = layers.reduce((sum, layer) => sum + Math.min(layer.done, layer.total), 0);
    return `pulling ${Math.floor((done / total) * 100)} % (${megabytes(done)} of ${megabytes(total)} MB)`;
  }

  #readStatus(status: string, { id, progressDetail }: PullLine): void {
    const digest = /^Digest: (sha256:[0-9a-f]{64})$/.exec(status)?.[1];
    if (digest !== undefined) this.#digest = digest;
    if (digest !== undefined || status.startsWith('Status: ')) this.#isComplete = true;
    if (typeof id !== 'string') return;
    const former = this.#layers.get(id);
    if (/^(Download complete|Pull complete|Extracting)/.test(status) && former !== undefined) {
      this.#layers.set(id, { done: former.total, total: former.total });
    } else if (status === 'Downloading') {
      const { current, total } = numbersOf(progressDetail);
      if (total > 0) this.#layers.set(id, { done: current, total });
    }
  }
}

function failureOf(line: PullLine): string | null {
  const detail = line.errorDetail;
  if (
    typeof detail === 'object' &&
    detail !== null &&
    'message' in detail &&
    typeof detail.message === 'string'
  ) {
    return detail.message;
  }
  return typeof line.error === 'string' ? line.error : null;
}

function numbersOf(detail: unknown): { readonly current: number; readonly total: number } {
  if (typeof detail !== 'object' || detail === null) return { current: 0, total: 0 };
  const current = 'current' in detail ? Number(detail.current) : 0;
  const total = 'total' in detail ? Number(detail.total) : 0;
  return { current: Number.isFinite(current) ? current : 0, total: Number.isFinite(total) ? total : 0 };
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
