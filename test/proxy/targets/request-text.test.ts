import { describe, expect, it } from 'vitest';
import type { RequestHead } from '../../../proxy/clients/request.ts';
import { renderRequest } from '../../../proxy/targets/request-text.ts';

function headOf(more: Partial<RequestHead>): RequestHead {
  return {
    ...{ requestId: 'r', accept: '', method: 'GET', host: 'a', path: '/', url: '/', headers: ['Host', 'a'] },
    ...{ hasBody: false, contentLength: null, expectsContinue: false, cookie: '' },
    ...more,
  };
}

describe('the head of a request to a target', () => {
  it('is its line, its fields, and a word on the connection', () => {
    const head = headOf({ method: 'PATCH', url: '/%20?\xff', headers: ['Host', 'a', 'X-Y', 'z\t\xff'] });
    expect(renderRequest(head)).toBe(
      'PATCH /%20?\xff HTTP/1.1\r\nHost: a\r\nX-Y: z\t\xff\r\nConnection: keep-alive\r\n\r\n',
    );
  });

  it('says nothing of the connection when the request did', () => {
    const headers = ['Host', 'a', 'Connection', 'Upgrade', 'Upgrade', 'x'];
    expect(renderRequest(headOf({ headers }))).toBe(
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
    );
  });

  const bad = ['\r', '\n', '\r\nX: y', '\0', '\x01', '\x7f', '\u0100', '\u560a'];
  it.each(bad.map((text) => [JSON.stringify(text), text]))('is never made with %s', (_name, text) => {
    const heads = [
      headOf({ method: `GET${text}` }),
      headOf({ url: `/${text}` }),
      headOf({ headers: ['Host', `a${text}`] }),
      headOf({ headers: ['Host', 'a', `X${text}`, 'y'] }),
    ];
    for (const head of heads) expect(() => renderRequest(head)).toThrow(/no line may hold/);
  });

  it('is never made with a space in its path', () => {
    expect(() => renderRequest(headOf({ url: '/ HTTP/1.1' }))).toThrow(/no line may hold/);
  });
});
