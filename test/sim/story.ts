// Plays a generated story in a simulated world and brings it to its end: every rollout is answered as an attentive
// operator would, then a good version is released.
import type { Act, Story } from './arbitrary.ts';
import { VERSIONS } from './arbitrary.ts';
import { HOUR, MINUTE, withSettings } from './spec.ts';
import { SimWorld } from './world.ts';

export function begin(story: Story): SimWorld {
  const world = new SimWorld(story.spec, 0);
  world.engine.traits = story.engine;
  for (const traits of story.proxies) world.addProxy(traits);
  VERSIONS.forEach((version, i) => {
    const [behaviour, pull] = [story.behaviours[i], story.pulls[i]];
    if (behaviour !== undefined) world.engine.behave(version, behaviour);
    if (pull !== undefined) world.engine.pull(version, pull);
  });
  world.release('v1');
  world.run(MINUTE);
  return world;
}

export function play(world: SimWorld, story: Story): void {
  for (const { afterMs, act } of story.acts) {
    world.run(afterMs);
    perform(world, act);
  }
}

function perform(world: SimWorld, act: Act): void {
  switch (act.kind) {
    case 'release':
      world.release(act.version);
      break;
    case 'command':
      world.command(act.word, act.to);
      break;
    case 'weigh':
      world.weigh(act.weights);
      break;
    case 'freeze':
      world.freeze(act.reason);
      break;
    case 'scale':
      world.respec({ ...world.spec, replicas: act.replicas });
      break;
    case 'environment':
      world.respec(withEnvironment(world, act.value));
      break;
    case 'port':
      world.respec(withSettings(world.spec, { port: act.port }));
      break;
    case 'strategy':
      world.respec({ ...world.spec, strategy: act.strategy });
      break;
    case 'kill':
    case 'remove':
      harm(world, act);
      break;
    case 'crash':
      world.crash();
      break;
    case 'die':
      dieOnce(world, act.after);
      break;
    case 'proxy':
      disturbProxies(world, act.does);
      break;
  }
}

function disturbProxies(world: SimWorld, does: Extract<Act, { kind: 'proxy' }>['does']): void {
  world.note(`— proxy ${does}`);
  const [proxy] = world.proxies;
  if (does === 'come') world.addProxy();
  else if (does === 'go' && proxy !== undefined) world.dropProxy(proxy);
  else if (does === 'hang' && proxy !== undefined) proxy.traits = { ...proxy.traits, appliesAfterMs: null };
  else proxy?.refuse(true);
}

function withEnvironment({ spec }: SimWorld, value: string) {
  return withSettings(spec, { container: { ...spec.settings.container, environment: { LEVEL: value } } });
}

function harm(world: SimWorld, { kind, index }: Extract<Act, { index: number }>): void {
  const name = [...world.engine.containers.keys()][index];
  if (name === undefined) return;
  world.note(`— ${kind} ${name} by hand`);
  if (kind === 'kill') world.engine.kill(name);
  else world.engine.removeByHand(name);
}

// At the next pass that has more actions than that, or at any pass for 0.
function dieOnce(world: SimWorld, after: number): void {
  world.dies = (actions) => {
    if (actions < after) return null;
    world.dies = () => null;
    return after;
  };
}

/** The faults end, but for what versions do, and an operator answers whatever waits. */
export function conclude(world: SimWorld): void {
  world.dies = () => null;
  for (const proxy of world.proxies) proxy.recover();
  if (world.store.weights !== null) world.weigh(null);
  if (world.store.freeze !== null) world.freeze(null);
  const end = world.now + 12 * HOUR;
  world.run(1000);
  while (world.store.memory.rollout !== null && world.now < end) {
    const { rollout } = world.store.memory;
    if (rollout?.paused != null) world.command(rollout.paused.by === 'failure' ? 'abort' : 'resume');
    else if (world.plan?.report.reason === 'waiting-for-promotion') world.command('promote');
    world.run(MINUTE);
  }
}
