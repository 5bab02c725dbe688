// Interim responses of the target (1xx) for the client. 100 (Continue) is not among them: it belongs to the body.
import type { Conversation } from '../clients/conversation.ts';
import { composeTrailers } from '../clients/headers.ts';
import type { ResponseHead } from '../targets/response-head.ts';

/** HTTP/1.0 knows none; one that node refuses to send on is left out, as a hint may be. */
export function relayInformation(head: ResponseHead, { request, response }: Conversation): void {
  if (request.httpVersionMinor === 0 || response.headersSent) return;
  try {
    response.writeInformation(head.status, composeTrailers(head.fields).flat());
  } catch {
    return;
  }
}
