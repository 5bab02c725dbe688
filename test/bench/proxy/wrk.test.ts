import { describe, expect, it } from 'vitest';
import { parseWrk } from '../../../bench/proxy/wrk.ts';

function print({ p50 = '1.25ms', p99 = '8.00ms', took = '2.10s', requests = '12345', more = '' }): string {
  return `Running 2s test @ http://127.0.0.1:8080/small
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   531.75ms  294.20ms   1.06s    72.73%
    Req/Sec    16.75     19.40    45.00     75.00%
  Latency Distribution
     50%  ${p50}
     75%    1.50ms
     90%    3.00ms
     99%  ${p99}
  ${requests} requests in ${took}, 1.40MB read
${more}Requests/sec:   5878.57
Transfer/sec:    682.67KB
`;
}

describe('what wrk prints', () => {
  it('is read in requests, seconds and milliseconds', () => {
    expect(parseWrk(print({}))).toEqual({ requests: 12_345, seconds: 2.1, p50Ms: 1.25, p99Ms: 8 });
  });

  it.each([
    ['microseconds', '850.00us', 0.85],
    ['seconds, padded to the width of the others', '1.06s ', 1060],
    ['minutes', '1.50m ', 90_000],
  ])('is read with %s', (_unit, text, ms) => {
    expect(parseWrk(print({ p50: text, p99: text }))).toMatchObject({ p50Ms: ms, p99Ms: ms });
  });

  it('is read with a duration in minutes', () => {
    expect(parseWrk(print({ took: '2.00m' }))).toMatchObject({ seconds: 120 });
  });

  it.each([
    ['answers of another status', '  Non-2xx or 3xx responses: 5\n', 'wrk: Non-2xx or 3xx responses: 5'],
    [
      'connections that broke',
      '  Socket errors: connect 0, read 12, write 0, timeout 0\n',
      'wrk: Socket errors: connect 0, read 12, write 0, timeout 0',
    ],
  ])('is an error with %s', (_what, more, message) => {
    expect(() => parseWrk(print({ more }))).toThrow(message);
  });

  it('is an error when nothing was answered', () => {
    expect(() => parseWrk(print({ requests: '0' }))).toThrow('nothing was answered');
  });

  it.each([
    ['a unit that it does not know', print({ p99: '3.00d' })],
    ['nothing at all', ''],
  ])('is an error with %s', (_what, text) => {
    expect(() => parseWrk(text)).toThrow('no figures in its answer');
  });
});
