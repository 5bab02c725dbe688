// What the fields of a request's head come to: whether it is refused for them, and the list that goes to the target. Without
// what each request says anew: its target and its name.
import type { AnswerCode } from '../errors.ts';
import { FieldLines } from '../messages/field-lines.ts';
import { type RequestFields, readFields } from './fields.ts';
import { type Client, composeRequest } from './headers.ts';
import { parseHost } from './host.ts';

export interface Reading {
  readonly client: Client;
  readonly method: string;
  /** Why it is refused, whatever it asks for. */
  readonly refusal: AnswerCode | null;
  /** The name that a trusted peer gave it; empty where there is none. */
  readonly claimedId: string;
  readonly accept: string;
  /** In lower case, without port; empty for an HTTP/1.0 request without Host. */
  readonly host: string;
  readonly headers: FieldLines;
  readonly hasBody: boolean;
  readonly contentLength: number | null;
  readonly expectsContinue: boolean;
  readonly cookie: string;
}

/** The request, as far as it has a say. */
interface Read {
  readonly rawHeaders: readonly string[];
  readonly httpVersionMinor: number;
  readonly block?: { reading: Reading | null };
}

/** The last one again, where the same client says the same. */
export function readingOf(request: Read, method: string, client: Client): Reading {
  const { block } = request;
  const known = block?.reading ?? null;
  if (known !== null && known.client === client && known.method === method) return known;
  const reading = read(request, method, client);
  if (block !== undefined) block.reading = reading;
  return reading;
}

function read({ rawHeaders, httpVersionMinor: minor }: Read, method: string, client: Client): Reading {
  const fields = readFields(rawHeaders, client.trusted, minor);
  const host = parseHost(fields.host);
  const refusal = findRefusal(fields, host, minor);
  return {
    ...{ client, method, refusal },
    claimedId: fields.claims.requestId,
    accept: fields.accept,
    host: host ?? '',
    headers: new FieldLines(refusal === null ? composeRequest(fields, method, client) : []),
    hasBody: fields.transferEncoding !== '' || Number(fields.contentLength) > 0,
    contentLength: fields.contentLength === '' ? null : Number(fields.contentLength),
    expectsContinue: fields.expect !== '',
    cookie: fields.cookie,
  };
}

function findRefusal(fields: RequestFields, host: string | null, minor: number): AnswerCode | null {
  const framing = checkFraming(fields, minor);
  if (framing !== null) return framing;
  if (fields.expect !== '' && fields.expect.toLowerCase() !== '100-continue') return 'expectation-failed';
  const isMissing = fields.hosts === 0 && minor > 0;
  return host === null || fields.hosts > 1 || isMissing ? 'bad-host' : null;
}

/** Anything on which two readers could disagree where the body ends is refused. Minor is 0 for HTTP/1.0. */
function checkFraming(fields: RequestFields, minor: number): AnswerCode | null {
  const { transferEncoding, contentLength } = fields;
  if (transferEncoding !== '') {
    const plain = transferEncoding.toLowerCase() === 'chunked';
    if (!plain || contentLength !== '' || minor === 0) return 'bad-framing';
  }
  if (contentLength !== '' && !isDigits(contentLength)) return 'bad-framing';
  return null;
}

function isDigits(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code < 0x30 || code > 0x39) return false;
  }
  return text.length <= 15;
}
