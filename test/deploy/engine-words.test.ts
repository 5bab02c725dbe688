// Real words of dockerd 20.10 to 28 and podman, and what each is taken for.
import { expect, test } from 'vitest';
import { classifyEngineError, toEngineFailure } from '../../deploy/engine-words.ts';
import { FAILURE_CODES, RuntimeFailure, toRuntimeFailure } from '../../deploy/errors.ts';

test.each([
  [
    'name-conflict',
    409,
    'Conflict. The container name "/web-r1-1" is already in use by container "4f". You have to remove (or rename) that container',
  ],
  [
    'port-conflict',
    500,
    'driver failed programming external connectivity on endpoint web: Bind for 127.0.0.1:80 failed: port is already allocated',
  ],
  [
    'port-conflict',
    500,
    'failed to set up container networking: failed to bind host port for 127.0.0.1:80: address already in use',
  ],
  ['no-space', 500, 'mkdir /var/lib/docker/overlay2/a: no space left on device'],
  ['network-missing', 404, 'network shop not found'],
  ['missing', 404, 'No such image: sha256:00'],
  ['missing', 404, 'No such container: web-r1-1'],
  ['missing', 404, 'no such object: acme/crunch'],
  ['missing', 404, 'acme/runcible is not here'],
  ['missing', 404, 'acme/runc:v1 is not here'],
  ['start-failed', 500, 'runc did not terminate successfully: exit status 1'],
  ['start-failed', 500, 'crun: executable file `/no` not found: No such file or directory'],
  [
    'start-failed',
    400,
    'OCI runtime create failed: container_linux.go:380: exec: "/no": stat /no: no such file or directory',
  ],
  [
    'start-failed',
    400,
    'failed to create task for container: failed to create shim task: OCI runtime create failed',
  ],
  ['start-failed', 500, 'exec format error'],
  ['start-failed', 400, 'No command specified'],
  [
    'engine-error',
    500,
    'failed to initialize logging driver: dial tcp 10.0.0.1:514: connect: connection refused',
  ],
  ['invalid-request', 500, 'failed to initialize logging driver: strconv.Atoi: parsing "many"'],
  ['invalid-request', 400, "unknown log opt 'colour' for json-file log driver"],
  ['invalid-request', 400, 'invalid mount config for type "bind": bind source path does not exist: /nowhere'],
  [
    'invalid-request',
    400,
    'OCI runtime create failed: container_linux.go:380: error mounting "/srv/a" to rootfs at "/etc": not a directory',
  ],
  [
    'invalid-request',
    400,
    'OCI runtime create failed: unable to apply apparmor profile: write /proc/self/attr/exec: no such file',
  ],
  [
    'engine-error',
    500,
    'OCI runtime create failed: unable to apply cgroup configuration: mkdir /sys/fs/cgroup: read-only file system',
  ],
  ['engine-error', 500, 'driver failed programming external connectivity on endpoint web: iptables failed'],
  ['invalid-request', 400, 'Minimum memory limit allowed is 6MB'],
  ['invalid-request', 400, 'Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available'],
  ['engine-unavailable', 503, 'This node is not part of the swarm'],
  ['engine-error', 400, 'network slipway is ambiguous (2 matches found on name)'],
  ['engine-error', 500, 'something went wrong'],
  ['engine-error', 409, 'Container 4f is not running'],
] as const)('the engine means %s with %i: %s', (code, statusCode, message) => {
  const error = Object.assign(new Error(`(HTTP code ${statusCode}) server error - ${message} `), {
    statusCode,
  });
  expect(classifyEngineError(error)).toBe(code);
  expect(toEngineFailure(error, 'start web-r1-1').message).toContain(`start web-r1-1: ${message}`);
});

test.each(['ECONNREFUSED', 'ENOENT', 'EACCES', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT'])(
  'a socket that fails with %s means that the engine is unavailable',
  (code) => {
    const failure = toEngineFailure(Object.assign(new Error(`connect ${code}`), { code }), 'list web');
    expect(failure).toMatchObject({ code: 'engine-unavailable', disposition: 'transient' });
    expect(failure.message).toContain('is the engine running');
  },
);

test('every code has a disposition and a reason; only pulls have a kind', () => {
  const failures = FAILURE_CODES.map((code) => new RuntimeFailure(code, code));
  expect(
    failures.map(({ code, disposition, reason, pull }) => `${code} ${disposition} ${reason} ${pull}`),
  ).toEqual([
    'name-conflict conflict name-conflict null',
    'port-conflict transient port-conflict null',
    'network-missing transient network-missing null',
    'no-space transient no-space null',
    'start-failed transient container-start-failed null',
    'missing missing engine-error null',
    'image-pull transient image-pull-failed unknown',
    'policy-refused invalid policy-refused null',
    'invalid-request invalid settings-refused null',
    'engine-unavailable transient engine-unavailable null',
    'engine-error transient engine-error null',
    'timeout transient engine-unavailable null',
    'cancelled cancelled engine-unavailable null',
  ]);
});

test('a failure keeps its cause, and is never wrapped twice', () => {
  const cause = new Error('deep');
  const failure = toRuntimeFailure(cause, 'start web-r1-1');
  expect(failure).toMatchObject({ code: 'engine-error', message: 'start web-r1-1: deep', cause });
  expect(toRuntimeFailure(failure, 'again')).toBe(failure);
  expect(toEngineFailure(failure, 'again')).toBe(failure);
});
