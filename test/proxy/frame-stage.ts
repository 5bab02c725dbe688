// A connection of frames to a proxy, and a target that notes what it is asked.

import { block, type FrameClient, TYPES } from './frame-client.ts';
import { HOST, Http2Rig } from './http2-rig.ts';
import { entryOf, type TestTarget, until } from './rig.ts';

export interface Asked {
  readonly method: string;
  body: string;
  end: 'open' | 'whole' | 'cut';
}

export interface FrameStage {
  readonly rig: Http2Rig;
  readonly client: FrameClient;
  readonly target: TestTarget;
  readonly asked: readonly Asked[];
}

export async function openStage(): Promise<FrameStage> {
  const rig = new Http2Rig();
  const asked: Asked[] = [];
  await rig.issue();
  const target = await rig.target((incoming, response) => {
    const seen: Asked = { method: `${incoming.method} ${incoming.url}`, body: '', end: 'open' };
    asked.push(seen);
    incoming.on('data', (chunk: Buffer) => {
      seen.body += chunk.toString();
    });
    incoming.on('error', () => undefined);
    incoming.once('end', () => {
      seen.end = 'whole';
      response.end('answer');
    });
    incoming.once('close', () => {
      if (seen.end === 'open') seen.end = 'cut';
    });
  });
  await rig.serveBoth({ web: entryOf([target]) });
  return { rig, target, asked, client: await rig.frames() };
}

type Field = readonly [string, string];

/** A header block, the pseudo-fields first; those that are null are left out. */
export function head(
  given: {
    method?: string | null;
    scheme?: string | null;
    authority?: string | null;
    path?: string | null;
  } = {},
  more: readonly Field[] = [],
): Buffer {
  const pseudo = { method: 'GET', scheme: 'https', authority: HOST, path: '/', ...given };
  const fields = Object.entries(pseudo).flatMap(([name, value]): Field[] =>
    value === null ? [] : [[`:${name}`, value]],
  );
  return block([...fields, ...more]);
}

/** The status of the response on a stream; 0 for one that is not in the static table of HPACK. */
export async function statusOf(client: FrameClient, stream: number): Promise<number> {
  const find = () => client.frames.find((each) => each.type === TYPES.headers && each.stream === stream);
  await until(() => find() !== undefined, 'there is an answer');
  const indexed: Readonly<Record<number, number>> = { 136: 200, 140: 400, 141: 404 };
  return indexed[find()?.payload[0] ?? 0] ?? 0;
}
