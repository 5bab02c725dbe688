// Whether a proxy answers rightly, asked before it is measured: status and length of every kind of answer.
import { request } from 'node:http';

export interface Wanted {
  readonly path: string;
  readonly host?: string;
  /** Posted. */
  readonly upload?: number;
  /** Of the answer's body. */
  readonly bytes: number;
  readonly isChunked?: boolean;
}

interface Answer {
  readonly status: number;
  readonly bytes: number;
  readonly isChunked: boolean;
}

const TIMEOUT_MS = 20_000;

/** Throws when the answer is another one. */
export async function checkAnswer(port: number, wanted: Wanted): Promise<void> {
  const answer = await ask(port, wanted);
  const expected = { status: 200, bytes: wanted.bytes, isChunked: wanted.isChunked ?? false };
  const [is, should] = [answer, expected].map((each) => JSON.stringify(each));
  if (is !== should) throw new Error(`${wanted.path}: answered ${is}, not ${should}`);
}

function ask(port: number, { path, host, upload }: Wanted): Promise<Answer> {
  const headers = { ...(host === undefined ? {} : { host }) };
  const method = upload === undefined ? 'GET' : 'POST';
  const options = { host: '127.0.0.1', port, path, method, headers, agent: false, timeout: TIMEOUT_MS };
  return new Promise((resolve, reject) => {
    const sent = request(options, (response) => {
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      response.once('error', reject);
      response.once('end', () => {
        const isChunked = response.headers['transfer-encoding'] === 'chunked';
        resolve({ status: response.statusCode ?? 0, bytes, isChunked });
      });
    });
    sent.once('error', reject);
    sent.once('timeout', () => sent.destroy(new Error(`${path}: no answer within ${TIMEOUT_MS} ms`)));
    sent.end(upload === undefined ? undefined : Buffer.alloc(upload, 'x'));
  });
}
