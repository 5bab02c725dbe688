// The head of a client's request of HTTP/1.1, from its text to its parts, and what it says of the body and the connection
// behind it. What two readers could understand in two ways is no request, or one behind which nothing is read.
import { METHODS } from 'node:http';
import type { AnswerCode } from '../errors.ts';
import { parseFields, skipTarget } from '../messages/field-lines.ts';
import type { Reading } from './reading.ts';

export interface RequestLines {
  readonly method: string;
  readonly url: string;
  readonly block: FieldBlock;
}

/** What stands behind the first line. */
export interface FieldBlock {
  readonly text: string;
  /** Of the first line: 0 for HTTP/1.0. */
  readonly minor: number;
  /** Name, value, name, value, … as they came. */
  readonly fields: readonly string[];
  readonly framing: RequestFraming;
  /** The client wants to be asked on the same connection again. */
  readonly isKept: boolean;
  /** It offers another protocol. */
  readonly isOffer: boolean;
  /** What was made of it last. */
  reading: Reading | null;
}

/** `doubtful`: where the body ends is not beyond doubt, nor what comes behind it. */
export type RequestFraming =
  | { readonly kind: 'none' | 'chunked' | 'doubtful' }
  | { readonly kind: 'counted'; readonly length: number };

const KNOWN_METHODS: ReadonlySet<string> = new Set(METHODS);
const SPACE = 0x20;
const NO_BODY: RequestFraming = { kind: 'none' };
const CHUNKED: RequestFraming = { kind: 'chunked' };
const DOUBTFUL: RequestFraming = { kind: 'doubtful' };
const LENGTH = /^\d{1,15}$/;
const VERSION = /^HTTP\/\d\.\d\r\n/;
/** A method, or its beginning, with as much as there may be of a path. */
const OPENING = /^[A-Z-]{1,20}(?: |$)/;

/** Whether a request may begin so. */
export function isRequestOpening(text: string): boolean {
  return OPENING.test(text);
}

/**
 * `text`: with the empty line at its end. A code when it is no head. A client says the same of itself with most requests of a
 * connection: where that is what it said with the one `before`, that block is given again.
 */
export function parseRequestHead(text: string, before: FieldBlock | null = null): RequestLines | AnswerCode {
  const methodEnd = text.indexOf(' ');
  const method = text.slice(0, methodEnd);
  const urlEnd = skipTarget(text, methodEnd + 1);
  if (!KNOWN_METHODS.has(method) || urlEnd === methodEnd + 1 || text.charCodeAt(urlEnd) !== SPACE)
    return 'bad-request';
  const minor = readMinor(text, urlEnd + 1);
  if (minor === null)
    return VERSION.test(text.slice(urlEnd + 1, urlEnd + 11)) ? 'bad-version' : 'bad-request';
  const url = text.slice(methodEnd + 1, urlEnd);
  const rest = text.slice(urlEnd + 11);
  if (before !== null && before.minor === minor && before.text === rest)
    return { method, url, block: before };
  const fields = parseFields(rest, 0, rest.length - 2);
  if (fields === null) return 'bad-request';
  const block = { text: rest, minor, fields, ...readConnection(fields, minor), reading: null };
  return { method, url, block };
}

/** Of `HTTP/1.0` and `HTTP/1.1`, with the end of the line. */
function readMinor(text: string, from: number): 0 | 1 | null {
  if (text.startsWith('HTTP/1.1\r\n', from)) return 1;
  return text.startsWith('HTTP/1.0\r\n', from) ? 0 : null;
}

interface Found {
  lengths: number;
  length: string;
  codings: number;
  coding: string;
  connection: string;
  isOffer: boolean;
}

function readConnection(
  fields: readonly string[],
  minor: number,
): Pick<FieldBlock, 'framing' | 'isKept' | 'isOffer'> {
  const found: Found = { lengths: 0, length: '', codings: 0, coding: '', connection: '', isOffer: false };
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] ?? '';
    // Only names of these lengths matter; most others need not be put in lower case.
    const size = name.length;
    if (size === 7 || size === 10 || size === 14 || size === 17)
      note(found, name.toLowerCase(), fields[index + 1] ?? '');
  }
  const options = found.connection === '' ? [] : found.connection.split(',').map((option) => option.trim());
  return {
    framing: readFraming(found, minor),
    isKept: !options.includes('close') && (minor > 0 || options.includes('keep-alive')),
    isOffer: found.isOffer && options.includes('upgrade'),
  };
}

function note(found: Found, lower: string, value: string): void {
  switch (lower) {
    case 'content-length':
      found.lengths += 1;
      found.length = value;
      break;
    case 'transfer-encoding':
      found.codings += 1;
      found.coding = value;
      break;
    case 'connection':
      found.connection += `,${value.toLowerCase()}`;
      break;
    case 'upgrade':
      found.isOffer = true;
  }
}

/** The same rules as for whether it is served at all (`request`): one coding, or one length, or neither. */
function readFraming({ lengths, length, codings, coding }: Found, minor: number): RequestFraming {
  if (codings > 0) {
    const isPlain = codings === 1 && coding.toLowerCase() === 'chunked';
    return isPlain && lengths === 0 && minor > 0 ? CHUNKED : DOUBTFUL;
  }
  if (lengths === 0) return NO_BODY;
  if (lengths > 1 || !LENGTH.test(length)) return DOUBTFUL;
  return Number(length) === 0 ? NO_BODY : { kind: 'counted', length: Number(length) };
}
