// Sends an answer of the proxy's own in place of the target's.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type AnswerCode, describeError } from './errors.ts';
import { endLingering } from './linger.ts';

export interface ReplyContext {
  readonly requestId: string;
  readonly accept: string;
  readonly hasBody: boolean;
  readonly closing: boolean;
}

export function reply(
  { request, response }: { readonly request: IncomingMessage; readonly response: ServerResponse },
  code: AnswerCode,
  { requestId, accept, hasBody, closing }: ReplyContext,
): number {
  const { status, headers, body } = describeError(code, requestId, accept);
  const whole = request.complete || !hasBody;
  if (!whole || closing) response.shouldKeepAlive = false;
  response.writeHead(status, [...headers]);
  const bare = request.method === 'HEAD';
  if (bare) response.flushHeaders();
  else response.write(body);
  if (whole) response.end();
  else endLingering(request, response);
  return status;
}
