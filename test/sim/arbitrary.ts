// Generated worlds: any strategy with any settings, versions that behave in any way, and a story of what operators, CI,
// bad luck and dying controllers do to them.
import fc from 'fast-check';
import type { CommandWord, ServiceSpec, StrategySpec } from '../../strategies/model.ts';
import {
  type Behaviour,
  crashesAfter,
  EXITS_AT_ONCE,
  GOOD,
  MISSING,
  NEVER_READY,
  OUT_OF_MEMORY,
  PULLED,
  type Pull,
  RATE_LIMITED,
  RESTARTS,
  refusedWith,
  turnsSickAfter,
} from './behaviour.ts';
import type { EngineTraits } from './engine.ts';
import type { ProxyTraits } from './proxy.ts';
import { blueGreen, canary, MINUTE, recreate, rolling, SECOND, specOf } from './spec.ts';

export const VERSIONS = ['v1', 'v2', 'v3', 'v4'] as const;

export type Act =
  | { readonly kind: 'release'; readonly version: string }
  | { readonly kind: 'command'; readonly word: CommandWord; readonly to: number | null }
  | { readonly kind: 'weigh'; readonly weights: Readonly<Record<string, number>> | null }
  | { readonly kind: 'freeze'; readonly reason: string | null }
  | { readonly kind: 'scale'; readonly replicas: number }
  | { readonly kind: 'environment'; readonly value: string }
  | { readonly kind: 'port'; readonly port: number | null }
  | { readonly kind: 'strategy'; readonly strategy: StrategySpec }
  | { readonly kind: 'kill' | 'remove'; readonly index: number }
  | { readonly kind: 'crash' }
  | { readonly kind: 'die'; readonly after: number }
  | { readonly kind: 'proxy'; readonly does: 'come' | 'go' | 'hang' | 'refuse' };

export interface Story {
  readonly spec: ServiceSpec;
  readonly proxies: readonly ProxyTraits[];
  readonly engine: EngineTraits;
  readonly behaviours: readonly Behaviour[];
  readonly pulls: readonly Pull[];
  readonly acts: readonly { readonly afterMs: number; readonly act: Act }[];
}

const common = fc.record({
  minReadyMs: fc.constantFrom(0, 5 * SECOND),
  progressDeadlineMs: fc.constant(2 * MINUTE),
  monitorMs: fc.constantFrom(0, 30 * SECOND),
  failureAction: fc.constantFrom('rollback', 'rollback', 'pause'),
  maxFailureRatio: fc.constantFrom(0, 0, 0.5),
} as const);

const BUDGETS = [
  { surge: { count: 1 }, unavailable: { count: 0 } },
  { surge: { count: 0 }, unavailable: { count: 1 } },
  { surge: { count: 2 }, unavailable: { count: 1 } },
  { surge: { percent: 25 }, unavailable: { percent: 25 } },
  { surge: { percent: 0 }, unavailable: { percent: 50 } },
  { surge: { percent: 100 }, unavailable: { count: 0 } },
] as const;

const step = fc.oneof(
  fc.record({
    kind: fc.constant('weight'),
    weight: fc.constantFrom(1, 10, 25, 50, 75),
    replicas: fc.constantFrom(null, null, { count: 1 }, { percent: 50 }),
  } as const),
  fc.record({
    kind: fc.constant('weight'),
    weight: fc.constantFrom(0, 10, 50),
    replicas: fc.constantFrom(null, null, { count: 1 }),
    match: fc.constant({ cookie: { name: 'beta', value: '1' } }),
    mirror: fc.constantFrom(0, 20),
  } as const),
  fc.record({ kind: fc.constant('pause'), durationMs: fc.constantFrom(0, 20 * SECOND, MINUTE) } as const),
  fc.constant({ kind: 'pause-manual' } as const),
);

const strategy: fc.Arbitrary<StrategySpec> = fc.oneof(
  common.map(recreate),
  fc
    .tuple(common, fc.constantFrom(...BUDGETS), fc.constantFrom(0, 0, 10 * SECOND))
    .map(([given, budget, delayMs]) => rolling({ ...given, ...budget, delayMs })),
  fc
    .tuple(common, fc.constantFrom('auto', 'manual'), fc.constantFrom(0, 30 * SECOND, 5 * MINUTE))
    .map(([given, promotion, keepOldMs]) =>
      blueGreen({ ...given, promotion, keepOldMs, preview: { host: 'preview.example.com' } }),
    ),
  fc.tuple(common, fc.array(step, { maxLength: 4 })).map(([given, steps]) => canary({ ...given, steps })),
);

const spec = fc
  .record({
    strategy,
    replicas: fc.constantFrom(1, 2, 3, 3, 4),
    rollback: fc.record({
      parallelism: fc.constantFrom(0, 0, 1, 2),
      order: fc.constantFrom('start-first', 'start-first', 'stop-first'),
    } as const),
    drainTimeoutMs: fc.constantFrom(5 * SECOND, 30 * SECOND),
    assets: fc.constantFrom([], [], ['*.js']),
  })
  .map(({ strategy: chosen, assets, ...given }) => {
    const spec = specOf(chosen, given);
    return { ...spec, proxy: { ...spec.proxy, assets } };
  });

const behaviour: fc.Arbitrary<Behaviour> = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(GOOD, GOOD, { ...GOOD, readyAfterMs: 20 * SECOND }) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      ...[NEVER_READY, EXITS_AT_ONCE, OUT_OF_MEMORY, RESTARTS, refusedWith('container-start-failed')],
      ...[
        refusedWith('name-conflict'),
        refusedWith('settings-refused'),
        crashesAfter(15 * SECOND),
        turnsSickAfter(15 * SECOND),
      ],
      ...[crashesAfter(MINUTE), turnsSickAfter(MINUTE)],
    ),
  },
);

const pull: fc.Arbitrary<Pull> = fc.constantFrom(
  ...[PULLED, PULLED, PULLED, PULLED, PULLED, { ...PULLED, takesMs: 20 * SECOND }],
  ...[MISSING, RATE_LIMITED, { ...RATE_LIMITED, failures: 2 }, { ...PULLED, takesMs: 10 * MINUTE }],
);

const version = fc.constantFrom(...VERSIONS);
const word = fc.constantFrom<CommandWord>(
  ...(['promote', 'promote', 'pause', 'resume', 'abort', 'retry', 'restart', 'rollback'] as const),
);

const weights = fc.oneof(
  fc.constant(null),
  version.map((v) => ({ [v]: 100 })),
  fc.tuple(version, version).map(([a, b]) => (a === b ? { [a]: 100 } : { [a]: 70, [b]: 30 })),
);

const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('release'), version } as const) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('command'), word, to: fc.constant(null) } as const) },
  fc.record({
    kind: fc.constant('command'),
    word: fc.constant('rollback'),
    to: fc.integer({ min: 1, max: 4 }),
  } as const),
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('weigh'), weights } as const) },
  fc.record({ kind: fc.constant('freeze'), reason: fc.constantFrom(null, 'sale') } as const),
  fc.record({ kind: fc.constant('scale'), replicas: fc.constantFrom(0, 1, 2, 3, 4, 5) } as const),
  fc.record({ kind: fc.constant('environment'), value: fc.constantFrom('a', 'b') } as const),
  fc.record({ kind: fc.constant('port'), port: fc.constantFrom(null, 8080, 9090) } as const),
  fc.record({ kind: fc.constant('strategy'), strategy } as const),
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('kill', 'remove'), index: fc.nat(7) } as const) },
  { weight: 2, arbitrary: fc.constant({ kind: 'crash' } as const) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('die'), after: fc.nat(4) } as const) },
  fc.record({ kind: fc.constant('proxy'), does: fc.constantFrom('come', 'go', 'hang', 'refuse') } as const),
);

const proxy = fc.record({
  appliesAfterMs: fc.constantFrom(0, 20, 20, 1500),
  drainsAfterMs: fc.constantFrom(0, 500, 10 * SECOND, MINUTE),
});

const engine = fc.record({
  startsAfterMs: fc.constantFrom(0, 100, 2000),
  stopsAfterMs: fc.constantFrom(0, 200, 8000),
});

export const story: fc.Arbitrary<Story> = fc.record({
  spec,
  proxies: fc.array(proxy, { maxLength: 3 }),
  engine,
  behaviours: fc.tuple(fc.constant(GOOD), behaviour, behaviour, behaviour),
  pulls: fc.tuple(fc.constant(PULLED), pull, pull, pull),
  acts: fc.array(
    fc.record({ afterMs: fc.constantFrom(0, 50, 1000, 5000, 20 * SECOND, 45 * SECOND, 3 * MINUTE), act }),
    { maxLength: 14 },
  ),
});
