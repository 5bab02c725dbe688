import { describe, expect, it } from 'vitest';
import type { RequestHead } from '../../../proxy/clients/request.ts';
import { FieldLines } from '../../../proxy/messages/field-lines.ts';
import { renderRequest } from '../../../proxy/targets/request-text.ts';

type More = Partial<Omit<RequestHead, 'headers'>> & { readonly headers?: readonly string[] };

function headOf({ headers = ['Host', 'a'], ...more }: More): RequestHead {
  return {
    ...{ requestId: 'r', accept: '', method: 'GET', host: 'a', path: '/', url: '/', offer: '' },
    ...{ hasBody: false, contentLength: null, expectsContinue: false, cookie: '' },
    headers: new FieldLines(headers),
    ...more,
  };
}

describe('the head of a request to a target', () => {
  it('is its line, its fields, its name, and a word on the connection', () => {
    const head = headOf({ method: 'PATCH', url: '/%20?\xff', headers: ['Host', 'a', 'X-Y', 'z\t\xff'] });
    expect(renderRequest(head)).toBe(
      'PATCH /%20?\xff HTTP/1.1\r\nHost: a\r\nX-Y: z\t\xff\r\nX-Request-Id: r\r\nConnection: keep-alive\r\n\r\n',
    );
  });

  it('offers other protocols in the place of that word', () => {
    expect(renderRequest(headOf({ offer: 'x, y' }))).toBe(
      'GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: r\r\nConnection: Upgrade\r\nUpgrade: x, y\r\n\r\n',
    );
  });

  it('keeps the word whatever a field says', () => {
    expect(renderRequest(headOf({ headers: ['Host', 'a', 'X', 'Connection'] }))).toContain(
      'Connection: keep-alive',
    );
  });

  const bad = ['\r', '\n', '\r\nX: y', '\0', '\x01', '\x7f', '\u0100', '\u560a'];
  it.each(bad.map((text) => [JSON.stringify(text), text]))('is never made with %s', (_name, text) => {
    const heads = [
      headOf({ method: `GET${text}` }),
      headOf({ url: `/${text}` }),
      headOf({ requestId: `r${text}` }),
      headOf({ offer: `x${text}` }),
      headOf({ headers: ['Host', `a${text}`] }),
      headOf({ headers: ['Host', 'a', `X${text}`, 'y'] }),
    ];
    for (const head of heads) expect(() => renderRequest(head)).toThrow(/no line may hold/);
  });

  it('is never made with a space in its path', () => {
    expect(() => renderRequest(headOf({ url: '/ HTTP/1.1' }))).toThrow(/no line may hold/);
  });
});
