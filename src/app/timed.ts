// The runtime with a stopwatch on what an action does, for `slipway_container_action_seconds`.
import type { ContainerRuntime } from '../../deploy/runtime.ts';
import type { ActionKind } from '../../strategies/model.ts';

export type ActionObserver = (action: ActionKind, outcome: 'succeeded' | 'failed', seconds: number) => void;
type Acting = Pick<
  ContainerRuntime,
  'resolveImage' | 'requireNetworks' | 'start' | 'stop' | 'remove' | 'tailLog'
>;

export function timeActions(runtime: ContainerRuntime, observe: ActionObserver): Acting {
  const time = async <T>(action: ActionKind, call: () => Promise<T>): Promise<T> => {
    const begun = performance.now();
    const seconds = () => (performance.now() - begun) / 1000;
    try {
      const answer = await call();
      observe(action, 'succeeded', seconds());
      return answer;
    } catch (error) {
      observe(action, 'failed', seconds());
      throw error;
    }
  };
  return {
    resolveImage: (request) => time('resolve-image', () => runtime.resolveImage(request)),
    requireNetworks: (networks) => runtime.requireNetworks(networks),
    start: (request) => time('start', () => runtime.start(request)),
    stop: (id, graceMs) => time('stop', () => runtime.stop(id, graceMs)),
    remove: (id) => time('remove', () => runtime.remove(id)),
    tailLog: (id, lines) => runtime.tailLog(id, lines),
  };
}
