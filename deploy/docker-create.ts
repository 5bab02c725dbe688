// A revision → the engine's create request. Pure. Built from the revision's settings alone, never from an inspect, so
// that an image's newer defaults are not frozen at older ones.
import type Docker from 'dockerode';
import type { ContainerSettings, Healthcheck, VolumeMount } from '../strategies/model.ts';
import { RuntimeFailure } from './errors.ts';
import { containerName, toLabels } from './labels.ts';
import type { CreateRequest } from './runtime.ts';

/** `direct`: the container's own IP on our network. `loopback`: a port published on 127.0.0.1. */
export type Reach = 'direct' | 'loopback';

export function buildCreateOptions(
  request: CreateRequest,
  network: string,
  reach: Reach,
): Docker.ContainerCreateOptions {
  const { identity, revision } = request;
  const { container, port, healthcheck } = revision.settings;
  return {
    name: containerName(identity.prefix, identity.service, identity.revision, identity.ordinal),
    Image: revision.reference,
    Labels: { ...container.labels, ...toLabels(request) },
    Env: Object.entries(container.environment).map(([name, value]) => `${name}=${value}`),
    ...buildProcess(container),
    ...(needsImageCheck(healthcheck) ? {} : { Healthcheck: { Test: ['NONE'] } }),
    ...(port === null ? {} : { ExposedPorts: { [`${port}/tcp`]: {} } }),
    HostConfig: {
      NetworkMode: network,
      PortBindings: port === null || reach === 'direct' ? {} : loopbackBinding(port),
      ...buildIsolation(container),
      ...buildLimits(container),
      RestartPolicy: parseRestart(container.restart),
      Mounts: container.volumes.map(buildMount),
      Tmpfs: Object.fromEntries(container.tmpfs.map(splitTmpfs)),
      ...(container.logging === undefined
        ? {}
        : { LogConfig: { Type: container.logging.driver, Config: container.logging.options } }),
    },
    NetworkingConfig: { EndpointsConfig: { [network]: {} } },
  };
}

/** Else the engine would run the image's beside the one that counts, and `docker ps` would tell of the wrong one. */
function needsImageCheck({ probe }: Healthcheck): boolean {
  return probe.kind === 'auto' || probe.kind === 'image';
}

function loopbackBinding(port: number) {
  return { [`${port}/tcp`]: [{ HostIp: '127.0.0.1', HostPort: '' }] };
}

function buildProcess(container: ContainerSettings): Docker.ContainerCreateOptions {
  return {
    ...(container.command === undefined ? {} : { Cmd: [...container.command] }),
    ...(container.entrypoint === undefined ? {} : { Entrypoint: [...container.entrypoint] }),
    ...(container.user === undefined ? {} : { User: container.user }),
    ...(container.workingDir === undefined ? {} : { WorkingDir: container.workingDir }),
    ...(container.stopSignal === undefined ? {} : { StopSignal: container.stopSignal }),
    StopTimeout: Math.ceil(container.stopGracePeriodMs / 1000),
  };
}

function buildIsolation(container: ContainerSettings): Docker.HostConfig {
  return {
    ...(container.init === undefined ? {} : { Init: container.init }),
    ...(container.readOnly === undefined ? {} : { ReadonlyRootfs: container.readOnly }),
    ...(container.privileged === undefined ? {} : { Privileged: container.privileged }),
    CapDrop: [...container.capDrop],
    CapAdd: [...container.capAdd],
    SecurityOpt: [...container.securityOpt],
    ExtraHosts: [...container.extraHosts],
  };
}

function buildLimits(container: ContainerSettings): Docker.HostConfig {
  return {
    Ulimits: Object.entries(container.ulimits).map(([Name, { soft, hard }]) => ({
      Name,
      Soft: soft,
      Hard: hard,
    })),
    ...(container.cpus === undefined ? {} : { NanoCpus: Math.round(container.cpus * 1e9) }),
    ...(container.memLimitBytes === undefined ? {} : { Memory: container.memLimitBytes }),
    ...(container.pidsLimit === undefined ? {} : { PidsLimit: container.pidsLimit }),
    ...(container.shmSizeBytes === undefined ? {} : { ShmSize: container.shmSizeBytes }),
  };
}

function buildMount({ type, source, target, readOnly }: VolumeMount): Docker.MountSettings {
  return { Type: type, Source: source, Target: target, ReadOnly: readOnly };
}

/** `/run:size=64m,mode=755` → path and options. */
function splitTmpfs(entry: string): [string, string] {
  const [path = entry, ...options] = entry.split(':');
  return [path, options.join(':')];
}

export function parseRestart(text: string): Docker.HostRestartPolicy {
  const [, name, retries] = /^(no|always|unless-stopped|on-failure)(?::([0-9]+))?$/.exec(text) ?? [];
  if (name === undefined || (retries !== undefined && name !== 'on-failure')) {
    throw new RuntimeFailure(
      'invalid-request',
      `restart policy ${text}: use no, always, unless-stopped or on-failure:N`,
    );
  }
  return { Name: name, ...(retries === undefined ? {} : { MaximumRetryCount: Number(retries) }) };
}
