// Interim responses of the target (1xx) for the client. 100 (Continue) is not among them: it belongs to the body.
import type { IncomingMessage, InformationEvent, ServerResponse } from 'node:http';

interface Conversation {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** HTTP/1.0 knows none; a hint that node finds malformed is left out, as hints may be. */
export function relayInformation(info: InformationEvent, { request, response }: Conversation): void {
  if (request.httpVersionMinor === 0 || response.headersSent) return;
  if (info.statusCode === 102) {
    response.writeProcessing();
    return;
  }
  if (info.statusCode !== 103) return;
  const link: string[] = [];
  for (let index = 0; index < info.rawHeaders.length; index += 2) {
    if (info.rawHeaders[index]?.toLowerCase() === 'link') link.push(info.rawHeaders[index + 1] ?? '');
  }
  try {
    response.writeEarlyHints({ link });
  } catch {
    return;
  }
}
