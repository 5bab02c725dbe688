// The head of a target's response, from its text to its parts, and what it says of the body and the connection behind it.
// What two readers could understand in two ways is no head.
import type { Answered } from '../clients/headers.ts';
import { parseFields } from '../messages/field-lines.ts';

export interface ResponseHead extends Answered {
  readonly status: number;
  readonly reason: string;
  /** Of the body, where the target says it. */
  readonly length: number | null;
  readonly isChunked: boolean;
  /** How long the target keeps the connection for another request, by its own word: 0 is not at all. */
  readonly keepMs: number;
}

/** As large as node's client takes. */
export const MAX_HEAD_BYTES = 16_384;

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?\r\n/;
const LENGTH = /^\d{1,15}$/;
const TIMEOUT = /(?:^|[,;\s])timeout=(\d{1,9})/i;
/** A target closes when its time is over, and what we send has a way to go. */
const MARGIN_MS = 1_000;

/** `text`: with the empty line at its end. Null when it is no head. */
export function parseResponseHead(text: string): ResponseHead | null {
  const line = STATUS_LINE.exec(text);
  if (line === null) return null;
  const fields = parseFields(text, line[0].length, text.length - 2);
  const framing = fields === null ? null : readFraming(fields);
  if (fields === null || framing === null) return null;
  const { length, isChunked } = framing;
  const isOld = line[1] === '0';
  if (isOld && isChunked) return null;
  const status = Number(line[2]);
  // 204 has no body: what comes behind one that announces a body is anybody's guess.
  const isDoubtful = status === 204 && (isChunked || (length ?? 0) > 0);
  const keepMs = isDoubtful ? 0 : keepingOf(framing, isOld);
  return { status, reason: line[3] ?? '', fields, length, isChunked, keepMs, composed: null };
}

interface Framing {
  length: number | null;
  isChunked: boolean;
  connection: string;
  keepAlive: string;
}

/** Null when a field of the framing is not plain, or comes twice, or both kinds come together. */
function readFraming(fields: string[]): Framing | null {
  const framing: Framing = { length: null, isChunked: false, connection: '', keepAlive: '' };
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] ?? '';
    // Only names of these lengths matter; most others need not be put in lower case.
    if (name.length !== 10 && name.length !== 14 && name.length !== 17) continue;
    const isPlain = note(framing, name.toLowerCase(), fields[index + 1] ?? '');
    if (!isPlain) return null;
    // Not as it came: zeros before it mean another base to some.
    if (name.length === 14 && name.toLowerCase() === 'content-length')
      fields[index + 1] = String(framing.length);
  }
  return framing.isChunked && framing.length !== null ? null : framing;
}

function note(framing: Framing, lower: string, value: string): boolean {
  switch (lower) {
    case 'content-length':
      if (framing.length !== null || !LENGTH.test(value)) return false;
      framing.length = Number(value);
      return true;
    case 'transfer-encoding':
      if (framing.isChunked || value.toLowerCase() !== 'chunked') return false;
      framing.isChunked = true;
      return true;
    case 'connection':
      framing.connection += `,${value.toLowerCase()}`;
      return true;
    case 'keep-alive':
      framing.keepAlive += `,${value}`;
      return true;
    default:
      return true;
  }
}

function keepingOf({ connection, keepAlive }: Framing, isOld: boolean): number {
  const isPlain = connection === '' || connection === ',keep-alive';
  if (!isPlain || isOld) {
    const options = connection.split(',').map((option) => option.trim());
    if (options.includes('close') || (isOld && !options.includes('keep-alive'))) return 0;
  }
  const seconds = keepAlive === '' ? null : TIMEOUT.exec(keepAlive);
  if (seconds === null) return Number.POSITIVE_INFINITY;
  return Math.max(0, Number(seconds[1]) * 1_000 - MARGIN_MS);
}
