// A client of the admin server's event stream, for tests: events in their order, each read once.
import { parseJson } from '../../src/cli/documents.ts';
import { waitFor } from './wait.ts';

export interface ReadEvent {
  readonly id: string;
  readonly kind: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export class EventReader {
  readonly #abort: AbortController;
  readonly #events: ReadEvent[] = [];
  readonly #ended: Promise<void>;
  #read = 0;

  private constructor(response: Response, abort: AbortController) {
    this.#abort = abort;
    this.#ended = this.#follow(response);
  }

  /** Resolves when the stream is open: what happens from then on is in it. */
  static async open(url: string, lastEventId?: string): Promise<EventReader> {
    const abort = new AbortController();
    const headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
    const response = await fetch(url, { headers, signal: abort.signal });
    if (!response.ok) throw new Error(`${url} answered ${response.status}`);
    return new EventReader(response, abort);
  }

  /** The first one after those already read that is such; what is passed over is not read again. */
  async next(isWanted: (event: ReadEvent) => boolean): Promise<ReadEvent> {
    const index = await waitFor('the event', () => {
      const found = this.#events.findIndex((event, at) => at >= this.#read && isWanted(event));
      return found >= 0 && { found };
    });
    this.#read = index.found + 1;
    const event = this.#events[index.found];
    if (event === undefined) throw new Error('no such event');
    return event;
  }

  /** Of all that came. */
  kinds(): readonly string[] {
    return this.#events.map(({ kind }) => kind);
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await this.#ended;
  }

  async #follow({ body }: Response): Promise<void> {
    const decoder = new TextDecoder();
    let text = '';
    try {
      for await (const piece of body ?? []) {
        text += decoder.decode(piece, { stream: true });
        const blocks = text.split('\n\n');
        text = blocks.pop() ?? '';
        this.#events.push(...blocks.flatMap(parseEvent));
      }
    } catch (error) {
      if (!this.#abort.signal.aborted) throw error;
    }
  }
}

/** Comments and what is said to the client itself are no events. */
function parseEvent(block: string): ReadEvent[] {
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? '';
  const data = parseJson(field('data'));
  if (field('event') === '' || typeof data !== 'object' || data === null) return [];
  return [{ id: field('id'), kind: field('event'), data: { ...data } }];
}
