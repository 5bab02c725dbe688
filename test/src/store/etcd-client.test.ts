import { describe, expect, it } from 'vitest';
import { StoreError, storeErrorCodes } from '../../../src/store/errors.ts';
import { type EtcdOptions, openEtcd } from '../../../src/store/etcd.ts';
import { isNeverSent, toStoreError } from '../../../src/store/etcd-errors.ts';
import { endOfPrefix } from '../../../src/store/etcd-range.ts';

const HTTP = 'http://127.0.0.1:2379';
const HTTPS = 'https://etcd.example.com:2379';

describe('options that cannot work are refused before anything is connected', () => {
  it.each<[string, EtcdOptions, RegExp]>([
    ['no endpoint', { endpoints: [] }, /at least one/],
    ['an endpoint without a port', { endpoints: ['http://etcd'] }, /`http:\/\/etcd` is not of the form/],
    ['another scheme', { endpoints: ['ftp://etcd:2379'] }, /not of the form/],
    ['a path', { endpoints: ['http://etcd:2379/v3'] }, /not of the form/],
    ['both schemes', { endpoints: [HTTP, HTTPS] }, /mix http and https/],
    ['certificates without TLS', { endpoints: [HTTP], ca: 'x' }, /not https/],
    ['a certificate without its key', { endpoints: [HTTPS], cert: 'x' }, /needs its key/],
    ['a key without its certificate', { endpoints: [HTTPS], key: 'x' }, /needs its key/],
    ['a user without a password', { endpoints: [HTTP], user: 'x' }, /needs a password/],
  ])('%s', (_case, options, message) => {
    expect(() => openEtcd(options)).toThrow(message);
    expect(() => openEtcd(options)).toThrow(StoreError);
  });

  it.each([[HTTP], [HTTPS], ['localhost:2379'], ['http://[::1]:2379'], ['http://10.0.0.1:2379/']])(
    'but not %s',
    async (endpoint) => {
      await openEtcd({ endpoints: [endpoint] }).close();
    },
  );
});

describe('what etcd and gRPC say becomes a code and a disposition', () => {
  it.each([
    ['3 INVALID_ARGUMENT: etcdserver: duplicate key given in txn request', 'store-refused', 'invalid'],
    [
      '11 OUT_OF_RANGE: etcdserver: mvcc: required revision has been compacted',
      'store-compacted',
      'conflict',
    ],
    ['5 NOT_FOUND: etcdserver: requested lease not found', 'store-lease-lost', 'conflict'],
    ['8 RESOURCE_EXHAUSTED: etcdserver: mvcc: database space exceeded', 'store-full', 'invalid'],
    ['7 PERMISSION_DENIED: etcdserver: permission denied', 'store-forbidden', 'invalid'],
    [
      '3 INVALID_ARGUMENT: etcdserver: authentication failed, invalid user ID or password',
      'store-unauthenticated',
      'invalid',
    ],
    ['3 INVALID_ARGUMENT: etcdserver: user name is empty', 'store-unauthenticated', 'invalid'],
    ['16 UNAUTHENTICATED: etcdserver: invalid auth token', 'store-unavailable', 'transient'],
    ['14 UNAVAILABLE: etcdserver: request timed out', 'store-timeout', 'transient'],
    ['14 UNAVAILABLE: etcdserver: leader changed', 'store-unavailable', 'transient'],
    ['14 UNAVAILABLE: Connection dropped', 'store-unavailable', 'transient'],
    ['4 DEADLINE_EXCEEDED: Deadline exceeded', 'store-timeout', 'transient'],
    ['1 CANCELLED: Cancelled on client', 'store-closed', 'cancelled'],
    ['something new', 'store-unavailable', 'transient'],
  ])('%s', (text, code, disposition) => {
    const cause = new Error(text);
    const error = toStoreError(cause, 'get /t/a', HTTP);
    expect(error).toMatchObject({ code, disposition, cause });
    expect(error.message).toContain('get /t/a');
    expect(error.message).toContain(HTTP);
  });

  it('an error that is ours stays as it is', () => {
    const error = new StoreError('store-closed', 'closed');
    expect(toStoreError(error, 'get', HTTP)).toBe(error);
  });

  it.each([
    ['14 UNAVAILABLE: No connection established. Last error: Error: connect ECONNREFUSED', true],
    ['14 UNAVAILABLE: Connection dropped', false],
    ['4 DEADLINE_EXCEEDED: Deadline exceeded', false],
  ])('%s: certainly never sent is %s', (text, neverSent) => {
    expect(isNeverSent(toStoreError(new Error(text), 'commit', HTTP))).toBe(neverSent);
  });

  it('every code has a disposition', () => {
    for (const code of storeErrorCodes) expect(new StoreError(code, 'x').disposition).toMatch(/^[a-z]+$/);
  });
});

it.each([
  ['/slipway/', '/slipway0'],
  ['a', 'b'],
])('the range of %j ends before %j', (prefix, end) => {
  expect(endOfPrefix(Buffer.from(prefix)).toString()).toBe(end);
});

it('a prefix of 0xff bytes alone ends at the end', () => {
  expect(endOfPrefix(Buffer.from([0xff, 0xff]))).toEqual(Buffer.from([0]));
  expect(endOfPrefix(Buffer.from([0x61, 0xff]))).toEqual(Buffer.from([0x62]));
});
