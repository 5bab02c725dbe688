// Field lines of a message, from text to a raw list (name, value, name, value, …) and back. Knows no field by name, and
// forgives nothing: no folded line, no bare CR or LF, no control character, no space before a colon.

const [TAB, LF, CR, SPACE, COLON] = [0x09, 0x0a, 0x0d, 0x20, 0x3a];
/** Node's client drops what is more; here it is no message. */
const MAX_FIELDS = 2_000;

const IS_TOKEN = tableOf(/[!#$%&'*+.^_`|~0-9A-Za-z-]/);
const IS_VALUE = tableOf(/[\t\x20-\x7e\x80-\xff]/);
const IS_TARGET = tableOf(/[\x21-\x7e]/);
const UNSAFE = /[^\t\x20-\x7e\x80-\xff]/;

/** By character code; beyond Latin-1 nothing is allowed. */
function tableOf(pattern: RegExp): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, code) => (pattern.test(String.fromCharCode(code)) ? 1 : 0));
}

/** The lines between the two places of a text, each with its end, or null when one of them is no field. */
export function parseFields(text: string, from: number, to: number): string[] | null {
  const fields: string[] = [];
  let at = from;
  while (at < to) {
    const colon = skip(text, at, IS_TOKEN);
    if (colon === at || text.charCodeAt(colon) !== COLON) return null;
    const end = skip(text, colon + 1, IS_VALUE);
    if (text.charCodeAt(end) !== CR || text.charCodeAt(end + 1) !== LF) return null;
    fields.push(text.slice(at, colon), trim(text, colon + 1, end));
    if (fields.length > 2 * MAX_FIELDS) return null;
    at = end + 2;
  }
  return at === to ? fields : null;
}

/** A list that may be sent more than once. */
export class FieldLines {
  readonly list: readonly string[];
  #text: string | null = null;
  #wasAsked = false;

  constructor(list: readonly string[]) {
    this.list = list;
  }

  /** Kept from the second time on: most that is said once is not said again. Throws as `renderFields` does. */
  get text(): string {
    if (this.#text !== null) return this.#text;
    const text = renderFields(this.list);
    // The engine keeps a text as the pieces that it was put together from; to write those again and again costs more.
    if (this.#wasAsked) this.#text = Buffer.from(text, 'latin1').toString('latin1');
    this.#wasAsked = true;
    return text;
  }
}

/** Lines with their ends. The lists come from parsers as strict as this one: what they cannot hold is a bug or an attack. */
export function renderFields(fields: readonly string[]): string {
  if (!isSafe(fields.join(''))) throw new Error('A field holds what no line may hold.');
  let text = '';
  for (let index = 0; index < fields.length; index += 2) text += `${fields[index]}: ${fields[index + 1]}\r\n`;
  return text;
}

/** Nothing in it could end a line. */
export function isSafe(text: string): boolean {
  return !UNSAFE.test(text);
}

/** Where the target of a request ends that begins here: at the first character that cannot be of one. */
export function skipTarget(text: string, from: number): number {
  return skip(text, from, IS_TARGET);
}

/** Where the first character stands that the table does not allow. */
function skip(text: string, from: number, isAllowed: Uint8Array): number {
  let at = from;
  while (isAllowed[text.charCodeAt(at)] === 1) at += 1;
  return at;
}

function trim(text: string, from: number, to: number): string {
  let [start, end] = [from, to];
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}
