// One probe of one container: HTTP, TCP, a command inside, or the image's own HEALTHCHECK. Bounded in time and bytes.
// What speaks against the container is a result; what speaks against the engine is thrown and counts for nothing.
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { ContainerState, Healthcheck, ProbeAnswer, StatusRange } from '../strategies/model.ts';
import { withDeadline } from './deadline.ts';
import { messageOf, RuntimeFailure } from './errors.ts';
import { getH2c } from './probe-h2c.ts';
import type { ContainerRuntime } from './runtime.ts';

type Prober = Pick<ContainerRuntime, 'exec' | 'imageHealthcheck'>;
type Probed = Pick<ContainerState, 'id' | 'state' | 'address'>;

const MAX_BODY_BYTES = 64 * 1024;

/** Throws `cancelled` when the signal aborts, and the runtime's own failures; never because of the container. */
export async function runProbe(
  runtime: Prober,
  container: Probed,
  healthcheck: Healthcheck,
  port: number | null,
  signal: AbortSignal,
): Promise<ProbeAnswer> {
  if (container.state !== 'running') return result(false, `the container is ${container.state}`);
  const { probe, timeoutMs } = healthcheck;
  switch (probe.kind) {
    case 'none':
      return result(true, 'running');
    case 'http':
      return await probeAddress(container, timeoutMs, signal, (address, cancel) =>
        probe.protocol === 'h2c'
          ? probeH2c(address, probe.path, probe.status, cancel)
          : probeHttp(address, probe.path, probe.status, cancel),
      );
    case 'tcp':
      return await probeAddress(container, timeoutMs, signal, probeTcp);
    case 'exec':
      return await probeCommand(runtime, container, probe.test, timeoutMs);
    case 'image':
      return await probeImage(runtime, container, timeoutMs);
    case 'auto':
      return await probeAuto(runtime, container, healthcheck, port, signal);
  }
}

/** The image's HEALTHCHECK when it declares one, else TCP on the port, else "it runs". */
async function probeAuto(
  runtime: Prober,
  container: Probed,
  { timeoutMs }: Healthcheck,
  port: number | null,
  signal: AbortSignal,
): Promise<ProbeAnswer> {
  const declared = parseHealthcheck(await runtime.imageHealthcheck(container.id));
  if (declared !== null) return await runtime.exec(container.id, declared, timeoutMs);
  if (port === null) return result(true, 'running');
  return await probeAddress(container, timeoutMs, signal, probeTcp);
}

async function probeImage(runtime: Prober, { id }: Probed, timeoutMs: number): Promise<ProbeAnswer> {
  const declared = parseHealthcheck(await runtime.imageHealthcheck(id));
  if (declared === null)
    return result(false, 'the image declares no HEALTHCHECK; choose another probe in the spec');
  return await runtime.exec(id, declared, timeoutMs);
}

async function probeCommand(
  runtime: Prober,
  { id }: Probed,
  test: readonly string[],
  timeoutMs: number,
): Promise<ProbeAnswer> {
  const command = parseHealthcheck(test);
  return command === null ? result(true, 'running') : await runtime.exec(id, command, timeoutMs);
}

/** Docker's forms: `CMD a b`, `CMD-SHELL line`, `NONE`; a list without one of these words is the command itself. */
export function parseHealthcheck(test: readonly string[] | null): readonly string[] | null {
  const [form, ...words] = test ?? [];
  if (form === undefined || form === 'NONE') return null;
  if (form === 'CMD') return words.length > 0 ? words : null;
  if (form === 'CMD-SHELL') return ['/bin/sh', '-c', words.join(' ')];
  return [form, ...words];
}

async function probeAddress(
  { address }: Probed,
  timeoutMs: number,
  signal: AbortSignal,
  run: (address: string, cancel: AbortSignal) => Promise<ProbeAnswer>,
): Promise<ProbeAnswer> {
  if (address === null) return result(false, 'it has no address yet');
  try {
    return await withDeadline({ timeoutMs, what: `probe ${address}`, signal }, (cancel) =>
      run(address, cancel),
    );
  } catch (error) {
    if (error instanceof RuntimeFailure && error.code === 'cancelled') throw error;
    const isTimeout = error instanceof RuntimeFailure && error.code === 'timeout';
    return result(false, isTimeout ? `no answer from ${address} within ${timeoutMs} ms` : messageOf(error));
  }
}

async function probeTcp(address: string, cancel: AbortSignal): Promise<ProbeAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<ProbeAnswer>();
  const socket = connect({ ...splitAddress(address), signal: cancel });
  socket.once('connect', () => resolve(result(true, `connect ${address} → open`)));
  socket.once('error', reject);
  return await promise.finally(() => socket.destroy());
}

async function probeH2c(
  address: string,
  path: string,
  accepted: readonly StatusRange[],
  cancel: AbortSignal,
): Promise<ProbeAnswer> {
  return judge(path, (await getH2c(address, path, MAX_BODY_BYTES, cancel)).status, accepted);
}

/** No redirect is followed: a 302 is judged as a 302. A socket of its own, closed afterwards. */
async function probeHttp(
  address: string,
  path: string,
  accepted: readonly StatusRange[],
  cancel: AbortSignal,
): Promise<ProbeAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<ProbeAnswer>();
  const headers = { host: address, 'user-agent': 'slipway-probe', connection: 'close' };
  const request = httpRequest({ ...splitAddress(address), path, headers, agent: false, signal: cancel });
  request.once('error', reject);
  request.once('response', (response) => {
    const answer = judge(path, response.statusCode ?? 0, accepted);
    drain(response, () => resolve(answer), reject);
  });
  request.end();
  return await promise.finally(() => request.destroy());
}

function judge(path: string, status: number, accepted: readonly StatusRange[]): ProbeAnswer {
  const ok = accepted.some(({ from, to }) => status >= from && status <= to);
  return result(ok, `GET ${path} → ${status}`);
}

/** A body that breaks off is a failure; one that goes on and on has said enough. */
function drain(response: IncomingMessage, done: () => void, fail: (error: Error) => void): void {
  let size = 0;
  response.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) done();
  });
  response.once('end', done);
  response.once('error', fail);
}

function splitAddress(address: string): { readonly host: string; readonly port: number } {
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
}

function result(ok: boolean, detail: string): ProbeAnswer {
  return { ok, detail };
}
