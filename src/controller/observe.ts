// What was read and what the engine shows → `Observed`, the one input of a decision; and who is probed from now on.
import type { ContainerState, Observed } from '../../strategies/model.ts';
import type { Desired, SpecState } from './desired.ts';
import type { Engine } from './engine.ts';
import type { Prober, ProbeTarget } from './prober.ts';

export interface Observers {
  readonly engine: Engine;
  readonly prober: Prober;
  /** Since when the service has been looked at without a gap. */
  readonly watchedSince: number;
}

export function observe(
  desired: Desired,
  spec: SpecState,
  containers: readonly ContainerState[],
  { engine, prober, watchedSince }: Observers,
): Observed {
  const { service, record } = desired;
  prober.follow(service, listProbeTargets(desired, spec, containers));
  const stopping = engine.stopping(service);
  const replicas = containers.map((container) => ({
    ...container,
    probe: prober.record(container.id),
    stopping: stopping.has(container.name),
  }));
  return {
    ...{ service, watchedSince, replicas, specRevision: desired.specRevision, settingsHash: spec.hash },
    ...{ version: desired.version, weights: desired.weights, command: desired.command },
    ...{ freeze: desired.freeze, memory: record.memory, revisions: desired.revisions },
    ...{ quarantined: desired.quarantined, proxies: desired.proxies },
    ...{ parted: desired.parted, route: desired.route },
    images: engine.images(service),
    troubles: engine.troubles(service),
  };
}

function listProbeTargets(
  desired: Desired,
  spec: SpecState,
  containers: readonly ContainerState[],
): readonly ProbeTarget[] {
  const targets = desired.route?.value.targets ?? [];
  return containers.map((container) => {
    const revision = desired.revisions.find((r) => r.number === container.revision);
    const { healthcheck, port } = (revision ?? spec.spec).settings;
    const isRouted = targets.some(
      (t) => t.revision === container.revision && t.address === container.address,
    );
    // No table names what has no port.
    const isServing = isRouted || (port === null && container.revision === desired.record.memory.stable);
    return { container, healthcheck, port, isServing };
  });
}
