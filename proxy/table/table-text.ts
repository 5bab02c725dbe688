// The text of a table file, read service by service: a large one can be read in slices, and of what is as before nothing
// is read. Whether a piece is JSON, and why it is not, is for JSON.parse; whether it is an entry, for others.
import type { Steps } from './slices.ts';

export interface TableText {
  readonly version: unknown;
  readonly services: Readonly<Record<string, unknown>>;
  readonly bytes: Buffer;
  /** Of each service's value. */
  readonly places: ReadonlyMap<string, Place>;
}

interface Place {
  readonly from: number;
  readonly to: number;
}

/** A service whose text is as before has the same value. Null when the text is no JSON, or no object with services. */
export function* readTableText(bytes: Buffer, before: TableText | null): Steps<TableText | null> {
  try {
    return yield* readTable(new Cursor(bytes), before);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function* readTable(cursor: Cursor, before: TableText | null): Steps<TableText | null> {
  let version: unknown;
  let found: Pick<TableText, 'services' | 'places'> | null = null;
  for (const name of cursor.members()) {
    const isServices = name === 'services';
    if (isServices && cursor.isAtObject()) found = yield* readServices(cursor, before);
    else {
      const value = cursor.read(cursor.start(), cursor.skip());
      if (name === 'version') version = value;
      if (isServices) found = null;
    }
  }
  cursor.end();
  return found === null ? null : { version, ...found, bytes: cursor.bytes };
}

function* readServices(
  cursor: Cursor,
  before: TableText | null,
): Steps<Pick<TableText, 'services' | 'places'>> {
  // Without a prototype, so that any name is as good as another.
  const services: Record<string, unknown> = Object.create(null);
  const places = new Map<string, Place>();
  for (const name of cursor.members()) {
    const [from, to] = [cursor.start(), cursor.skip()];
    const former = before?.places.get(name);
    const isSame =
      former !== undefined && before?.bytes.compare(cursor.bytes, from, to, former.from, former.to) === 0;
    services[name] = isSame ? before?.services[name] : cursor.read(from, to);
    places.set(name, { from, to });
    yield;
  }
  return { services, places };
}

const [QUOTE, BACKSLASH, COLON, COMMA] = [0x22, 0x5c, 0x3a, 0x2c];
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_LIST, CLOSE_LIST] = [0x7b, 0x7d, 0x5b, 0x5d];
const SPACES: ReadonlySet<number | undefined> = new Set([0x20, 0x09, 0x0a, 0x0d]);
const ENDS: ReadonlySet<number | undefined> = new Set([
  ...SPACES,
  COMMA,
  CLOSE_OBJECT,
  CLOSE_LIST,
  undefined,
]);

/** Behind the quote that closes the one at `from`. */
function endOfString(bytes: Buffer, from: number): number {
  let at = from + 1;
  for (let byte = bytes[at]; byte !== QUOTE; byte = bytes[at]) {
    if (byte === undefined) throw new SyntaxError('a quote is open');
    at += byte === BACKSLASH ? 2 : 1;
  }
  return at + 1;
}

/** Finds the ends of values by their quotes and brackets, all of which are ASCII. Throws a SyntaxError at anything else. */
class Cursor {
  readonly bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** The names of an object's members: the caller reads or skips each one's value before it asks for the next. */
  *members(): Generator<string, void, undefined> {
    this.#expect(OPEN_OBJECT);
    if (this.#takes(CLOSE_OBJECT)) return;
    do {
      const name = this.read(this.start(), this.skip());
      if (typeof name !== 'string') throw new SyntaxError('a name is expected');
      this.#expect(COLON);
      yield name;
    } while (this.#takes(COMMA));
    this.#expect(CLOSE_OBJECT);
  }

  /** Where the next value begins. */
  start(): number {
    while (SPACES.has(this.bytes[this.#at])) this.#at += 1;
    return this.#at;
  }

  isAtObject(): boolean {
    return this.bytes[this.start()] === OPEN_OBJECT;
  }

  /** Goes behind the value, and says where that is. */
  skip(): number {
    const first = this.bytes[this.start()];
    if (first === QUOTE) this.#at = endOfString(this.bytes, this.#at);
    else if (first === OPEN_OBJECT || first === OPEN_LIST) this.#skipNested();
    else while (!ENDS.has(this.bytes[this.#at])) this.#at += 1;
    return this.#at;
  }

  read(from: number, to: number): unknown {
    return JSON.parse(this.bytes.toString('utf8', from, to));
  }

  end(): void {
    if (this.start() < this.bytes.length) throw new SyntaxError('nothing more is expected');
  }

  #skipNested(): void {
    const { bytes } = this;
    let at = this.#at;
    let depth = 0;
    do {
      const byte = bytes[at];
      if (byte === undefined) throw new SyntaxError('a bracket is open');
      if (byte === QUOTE) at = endOfString(bytes, at);
      else {
        if (byte === OPEN_OBJECT || byte === OPEN_LIST) depth += 1;
        if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) depth -= 1;
        at += 1;
      }
    } while (depth > 0);
    this.#at = at;
  }

  #expect(byte: number): void {
    if (!this.#takes(byte)) throw new SyntaxError(`${String.fromCharCode(byte)} is expected`);
  }

  #takes(byte: number): boolean {
    if (this.bytes[this.start()] !== byte) return false;
    this.#at += 1;
    return true;
  }
}
