// The client towards a target, in the protocol that the target speaks.

import type { RequestHead } from '../clients/request.ts';
import type { AnswerCode } from '../errors.ts';
import type { Target } from '../table/target.ts';
import { H2cWire } from './h2c-wire.ts';
import { Wire, type WireEvents } from './wire.ts';

export type AnyWire = Wire | H2cWire;

/** What to answer instead, when the request cannot be sent so. `mayGoOver`: the client wants another protocol. */
export function dial(
  target: Target,
  head: RequestHead,
  mayGoOver: boolean,
  events: WireEvents,
): AnyWire | AnswerCode {
  const { sessions } = target;
  if (sessions !== null && mayGoOver) return 'no-upgrade';
  try {
    return sessions === null ? new Wire(target, head, events) : new H2cWire(sessions, head, events);
  } catch {
    // Only a field or a path that no line may hold gets here; the client sent it.
    return 'bad-request';
  }
}
