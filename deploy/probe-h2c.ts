// A GET on a port that speaks HTTP/2 with prior knowledge, as the proxies speak to it.
import { type ClientHttp2Session, connect } from 'node:http2';

export interface H2cAnswer {
  readonly status: number;
}

/** Rejects when the container does not answer in HTTP/2, or breaks off. A body that goes on and on has said enough. */
export async function getH2c(
  address: string,
  path: string,
  maxBytes: number,
  cancel: AbortSignal,
): Promise<H2cAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<H2cAnswer>();
  const session = connect(`http://${address}`);
  session.once('error', (error) => reject(describe(error)));
  cancel.addEventListener('abort', () => reject(cancel.reason), { once: true });
  ask(session, { address, path, maxBytes }, resolve, reject);
  return await promise.finally(() => session.destroy());
}

function ask(
  session: ClientHttp2Session,
  { address, path, maxBytes }: { readonly address: string; readonly path: string; readonly maxBytes: number },
  resolve: (answer: H2cAnswer) => void,
  reject: (error: Error) => void,
): void {
  const fields = { ':path': path, ':authority': address, 'user-agent': 'slipway-probe' };
  const stream = session.request(fields, { endStream: true });
  let [status, size] = [0, 0];
  stream.once('response', (head) => {
    status = Number(head[':status']);
  });
  stream.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > maxBytes) resolve({ status });
  });
  stream.once('end', () => {
    if (status > 0) resolve({ status });
  });
  stream.once('error', (error) => reject(describe(error)));
  stream.once('close', () => reject(new Error('the connection ended before the answer was whole')));
}

function describe(error: NodeJS.ErrnoException): Error {
  if (error.code?.startsWith('ERR_HTTP2') !== true) return error;
  return new Error(`it does not speak HTTP/2 there: ${error.message}`, { cause: error });
}
