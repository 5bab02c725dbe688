import { afterEach, describe, expect, it } from 'vitest';
import { rawEntry, rawTarget } from './raw-target.ts';
import { Rig, talk } from './rig.ts';

const rig = new Rig();
afterEach(() => rig.close());

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const GO_ON = 'HTTP/1.1 100 Continue\r\n\r\n';

describe('100 Continue', () => {
  it('that comes when the body is whole already changes nothing: the answer is still waited for', async () => {
    const address = await rawTarget(rig, (text, write) => {
      if (!text.endsWith('hi')) return;
      write(GO_ON);
      setTimeout(() => write(OK), 400);
    });
    const port = await rig.serve({ web: rawEntry(address, { proxy: { idle_timeout: '100ms' } }) });
    const head =
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n\r\nhi';
    expect(await talk(port, head)).toMatch(/^HTTP\/1\.1 200 [\s\S]*ok$/);
  });

  it('is unknown to HTTP/1.0: nothing is expected of the target, and nothing of it passes', async () => {
    let seen = '';
    const address = await rawTarget(rig, (text, write) => {
      seen = text;
      if (text.endsWith('hi')) write(GO_ON + OK);
    });
    const head = 'POST / HTTP/1.0\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nhi';
    expect(await talk(await rig.serve({ web: rawEntry(address) }), head)).toMatch(
      /^HTTP\/1\.1 200 [\s\S]*ok$/,
    );
    expect(seen).not.toMatch(/expect/i);
  });

  it('is for the target to say, also where Connection names Expect', async () => {
    let seen = '';
    const address = await rawTarget(rig, (text, write) => {
      seen = text;
      if (text.endsWith('\r\n\r\n')) write(GO_ON);
      if (text.endsWith('hi')) write(OK);
    });
    const port = await rig.serve({ web: rawEntry(address) });
    const head =
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\nConnection: close, expect\r\n\r\n';
    expect(await talk(port, head, 'hi')).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 [\s\S]*ok$/);
    expect(seen).toMatch(/\r\nExpect: 100-continue\r\n/);
  });
});
