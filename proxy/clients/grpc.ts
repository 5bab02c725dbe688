// The proxy's own answers as clients of gRPC read them: status 200, and a head alone that says what went wrong
// (`Trailers-Only` in gRPC's words).
import { ANSWERS, type AnswerCode, type ErrorBody } from '../errors.ts';
import type { ClientRequest } from './conversation.ts';
import { findField } from './headers.ts';

const [CANCELLED, UNKNOWN, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED] = [1, 2, 4, 8];
const [UNIMPLEMENTED, INTERNAL, UNAVAILABLE] = [12, 13, 14];

/** As gRPC itself reads a status of HTTP, but where that would have a client repeat what may have been done. */
const BY_STATUS: Readonly<Record<number, number>> = {
  400: INTERNAL,
  404: UNIMPLEMENTED,
  408: CANCELLED,
  413: RESOURCE_EXHAUSTED,
  429: UNAVAILABLE,
  431: RESOURCE_EXHAUSTED,
  500: INTERNAL,
  501: UNIMPLEMENTED,
  502: UNAVAILABLE,
  503: UNAVAILABLE,
  504: DEADLINE_EXCEEDED,
};

/** gRPC needs HTTP/2 all the way; what looks like it in HTTP/1.1 is something else. */
export function isGrpc(request: ClientRequest): boolean {
  if (request.isMultiplexed !== true) return false;
  return /^application\/grpc(?:[+;]|$)/i.test(findField(request.rawHeaders, 'content-type') ?? '');
}

export function describeGrpcError(code: AnswerCode, requestId: string): ErrorBody {
  const { status, message } = ANSWERS[code];
  const headers = ['Content-Type', 'application/grpc', 'Grpc-Status', String(BY_STATUS[status] ?? UNKNOWN)];
  headers.push('Grpc-Message', `${message} (${code}, request ${requestId})`, 'X-Request-Id', requestId);
  return { status: 200, headers, body: '' };
}
