// The engine's inspect reply → our own nouns. Pure.
import type Docker from 'dockerode';
import type { ContainerState } from '../strategies/model.ts';
import type { Reach } from './docker-create.ts';
import { RuntimeFailure } from './errors.ts';
import { type ContainerLabels, shortName } from './labels.ts';

/** Docker's words, and podman's where they differ. */
const STATES: ReadonlyMap<string, ContainerState['state']> = new Map([
  ['created', 'created'],
  ['configured', 'created'],
  ['initialized', 'created'],
  ['running', 'running'],
  ['stopping', 'running'],
  ['restarting', 'restarting'],
  ['paused', 'paused'],
  ['exited', 'exited'],
  ['stopped', 'exited'],
  ['dead', 'dead'],
  ['removing', 'removing'],
]);

export function parseState(container: Docker.ContainerInspectInfo): ContainerState['state'] {
  const state = STATES.get(container.State.Status);
  if (state !== undefined) return state;
  throw new RuntimeFailure(
    'engine-error',
    `container ${container.Name}: unknown state ${container.State.Status}`,
  );
}

export function toContainerState(
  container: Docker.ContainerInspectInfo,
  labels: ContainerLabels,
  network: string,
  reach: Reach,
): ContainerState & { readonly service: string } {
  const state = parseState(container);
  const hasEnded = state === 'exited' || state === 'dead' || state === 'restarting';
  return {
    service: labels.service,
    id: container.Id,
    name: shortName(labels.service, labels.revision, labels.ordinal),
    revision: labels.revision,
    ordinal: labels.ordinal,
    state,
    address: state === 'running' ? addressOf(container, labels.port, network, reach) : null,
    startedAt: parseTime(container.State.StartedAt),
    exitCode: hasEnded ? container.State.ExitCode : null,
    outOfMemory: container.State.OOMKilled === true,
    restarts: container.RestartCount ?? 0,
    error: container.State.Error || null,
  };
}

function addressOf(
  { NetworkSettings }: Docker.ContainerInspectInfo,
  port: number | null,
  network: string,
  reach: Reach,
): string | null {
  if (port === null) return null;
  if (reach === 'loopback') {
    const published = NetworkSettings.Ports?.[`${port}/tcp`]?.[0]?.HostPort;
    return published ? `127.0.0.1:${published}` : null;
  }
  const ip = NetworkSettings.Networks?.[network]?.IPAddress;
  return ip ? `${ip}:${port}` : null;
}

/** The engine's zero time is year 1. */
function parseTime(text: string): number | null {
  const time = Date.parse(text);
  return Number.isNaN(time) || time <= 0 ? null : time;
}
