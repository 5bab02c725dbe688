// Real words of dockerd 20.10 to 28, podman and registries about pulls, and what each is taken for.
import { describe, expect, test } from 'vitest';
import { classifyPullMessage, toPullFailure } from '../../deploy/pull-words.ts';

test.each([
  ['missing', 'manifest for 127.0.0.1:5000/web:v9 not found: manifest unknown: manifest unknown'],
  ['missing', 'manifest unknown: The named manifest is not known to the registry.'],
  [
    'missing',
    "pull access denied for nosuch, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
  ],
  ['missing', 'name unknown: repository name not known to registry'],
  [
    'missing',
    'failed to resolve reference "registry.example.com/web:v9": registry.example.com/web:v9: not found',
  ],
  ['missing', 'no matching manifest for linux/arm64/v8 in the manifest list entries'],
  ['authentication', 'Get "http://127.0.0.1:5000/v2/web/manifests/v1": no basic auth credentials'],
  ['authentication', 'unauthorized: authentication required'],
  ['authentication', 'unauthorized: incorrect username or password'],
  ['authentication', 'denied: requested access to the resource is denied'],
  ['authentication', 'error parsing HTTP 403 response body: invalid character'],
  [
    'rate-limit',
    'toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating',
  ],
  ['rate-limit', 'received unexpected HTTP status: 429 Too Many Requests'],
  [
    'network',
    'Get "https://registry.example.com/v2/": dial tcp: lookup registry.example.com on 10.0.0.2:53: no such host',
  ],
  ['network', 'Get "http://127.0.0.1:5999/v2/": dial tcp 127.0.0.1:5999: connect: connection refused'],
  ['network', 'Get "https://registry.example.com/v2/": x509: certificate signed by unknown authority'],
  ['network', 'Get "https://127.0.0.2:5000/v2/": http: server gave HTTP response to HTTPS client'],
  ['network', 'Get "https://registry.example.com/v2/": net/http: TLS handshake timeout'],
  [
    'network',
    'net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)',
  ],
  ['network', 'received unexpected HTTP status: 502 Bad Gateway'],
  ['network', 'unexpected EOF'],
  ['network', 'filesystem layer verification failed for digest sha256:00'],
  [
    'space',
    'failed to register layer: Error processing tar file(exit status 1): write /a: no space left on device',
  ],
  ['space', 'write /var/lib/docker/tmp/GetImageBlob1: disk quota exceeded'],
  ['refused', 'invalid reference format'],
  ['unknown', 'the moon is in the wrong phase'],
] as const)('a pull is %s when the words are: %s', (kind, message) => {
  expect(classifyPullMessage(message)).toBe(kind);
});

describe('the name that was asked for says nothing of the failure', () => {
  test.each([
    ['missing', 'acme/web', '429', 404, 'manifest for acme/web:429 not found: manifest unknown'],
    ['missing', '10.0.0.1:502/web', '404', 404, 'manifest for 10.0.0.1:502/web:404 not found'],
    ['missing', 'acme/crunch', 'v1', 404, 'manifest for acme/crunch:v1 not found: manifest unknown'],
    ['missing', 'acme/timeout', 'v1', 404, 'repository acme/timeout not found: does not exist'],
    ['missing', 'timeout', 'EOF', 404, 'timeout:EOF is nowhere'],
    ['missing', 'registry.test/a/denied', 'v1', 500, 'registry.test/a/denied:v1: not found'],
    [
      'network',
      'registry.test/web',
      '429',
      500,
      'unexpected status from GET request to https://registry.test/v2/web/manifests/429: 503 Service Unavailable',
    ],
    [
      'rate-limit',
      'registry.test/web',
      '503',
      500,
      'unexpected status from GET request to https://registry.test/v2/web/manifests/503: 429 Too Many Requests',
    ],
    ['authentication', 'acme/web', 'v1', 403, 'the registry is closed today'],
    ['unknown', 'acme/unauthorized', 'toomanyrequests', 500, 'acme/unauthorized:toomanyrequests: it is late'],
  ] as const)('%s: %s:%s, status %i: %s', (kind, image, version, status, message) => {
    expect(classifyPullMessage(message, { image, version }, status)).toBe(kind);
  });

  test('but the message keeps it', () => {
    const failure = toPullFailure('manifest for acme/web:429 not found', {
      image: 'acme/web',
      version: '429',
    });
    expect([failure.message, failure.pull]).toEqual([
      'acme/web:429: manifest for acme/web:429 not found',
      'missing',
    ]);
  });
});
