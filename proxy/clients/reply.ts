// Sends an answer of the proxy's own in place of the target's, and says what it counts as.
import { STATUS_CODES } from 'node:http';
import { ANSWERS, type AnswerCode, describeError, type Notice } from '../errors.ts';
import { FieldLines } from '../messages/field-lines.ts';
import type { Conversation } from './conversation.ts';
import { endWatched } from './delivery.ts';
import { describeGrpcError, isGrpc } from './grpc.ts';
import { endLingering } from './linger.ts';

/** How long the client may take to read it. */
const READ_MS = 30_000;

export interface ReplyContext {
  readonly requestId: string;
  readonly accept: string;
  readonly hasBody: boolean;
  readonly closing: boolean;
  /** Of this answer alone: name, value, name, value, … */
  readonly fields: readonly string[];
  readonly notice?: Notice | null;
}

export function reply(
  { request, response }: Conversation,
  code: AnswerCode,
  { requestId, accept, hasBody, closing, fields, notice }: ReplyContext,
): number {
  const { status, headers, body } = isGrpc(request)
    ? describeGrpcError(code, requestId)
    : describeError(code, requestId, accept, notice);
  const whole = request.complete || !hasBody;
  if (!whole || closing) response.shouldKeepAlive = false;
  response.writeHead(status, STATUS_CODES[status], new FieldLines(headers), fields);
  if (body !== '' && request.method !== 'HEAD') response.write(body);
  if (whole) endWatched(response, READ_MS);
  else {
    response.flush();
    endLingering(request, response, READ_MS);
  }
  return ANSWERS[code].status;
}
