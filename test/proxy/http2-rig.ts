// A proxy with TLS, and clients that speak HTTP/2 to it: node's own, and one that is only frames.
import { type ClientHttp2Session, connect, constants, type OutgoingHttpHeaders } from 'node:http2';
import { issueForHosts } from '../support/certificates.ts';
import { type FrameClient, openFrames } from './frame-client.ts';
import { SecureRig } from './secure-rig.ts';

export const HOST = 'shop.test';

export interface StreamAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly trailers: Readonly<Record<string, unknown>>;
  readonly body: string;
  /** Nothing came behind the head. */
  readonly isBare: boolean;
  /** The code with which the stream ended. */
  readonly code: number;
}

export class Http2Rig extends SecureRig {
  async issue(): Promise<void> {
    await issueForHosts(this.folder, 'shop', { hosts: [HOST, '*.shop.test'] });
  }

  async session(): Promise<ClientHttp2Session> {
    const session = connect(`https://${HOST}:${this.securePort}`, {
      ...{ host: '127.0.0.1', servername: HOST, rejectUnauthorized: false, maxSessionMemory: 64 },
      lookup: (_host, _options, answer) => answer(null, [{ address: '127.0.0.1', family: 4 }]),
    });
    this.onClose(async () => session.destroy());
    session.on('error', () => session.destroy());
    await new Promise((resolve) => session.once('connect', resolve));
    return session;
  }

  async frames(): Promise<FrameClient> {
    return openFrames(await this.connect(HOST, { ALPNProtocols: ['h2'] }));
  }
}

/** Resolves when the stream has closed, however it did. */
export function askStream(
  session: ClientHttp2Session,
  fields: OutgoingHttpHeaders = {},
  body?: string | Buffer,
): Promise<StreamAnswer> {
  const given = { ':authority': HOST, ':path': '/', ...fields };
  const stream = session.request(given, { endStream: body === undefined });
  return new Promise((resolve) => {
    let [headers, trailers, text, isBare]: [
      Record<string, unknown>,
      Record<string, unknown>,
      string,
      boolean,
    ] = [{}, {}, '', false];
    stream.setEncoding('utf8');
    stream.on('error', () => undefined);
    stream.on('response', (head, flags) => {
      headers = { ...head };
      isBare = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    });
    stream.on('trailers', (fields) => {
      trailers = { ...fields };
    });
    stream.on('data', (chunk: string) => {
      text += chunk;
    });
    stream.on('close', () =>
      resolve({
        ...{ status: Number(headers[':status'] ?? 0), headers, trailers, body: text, isBare },
        code: stream.rstCode,
      }),
    );
    if (body !== undefined) stream.end(body);
  });
}
