// Defects to plant, one at a time, in the sources of the program: each is one edit of one file, and somebody has to
// notice it. `by` says who, and in what words.

export interface Defect {
  readonly name: string;
  /** From the root of the checkout. */
  readonly file: string;
  /** Stands there exactly once. */
  readonly find: string;
  readonly replace: string;
  readonly by: /** Worlds of the simulation from this seed on: within so many of them, a check says one of these words. */
    | { readonly kind: 'worlds'; readonly from: number; readonly within: number; readonly words: RegExp }
    | { readonly kind: 'test'; readonly file: string; readonly name: string };
}

const worlds = (words: RegExp, from = 1, within = 10): Defect['by'] => ({
  kind: 'worlds',
  ...{ words, from, within },
});

export const DEFECTS: readonly Defect[] = [
  {
    name: 'no readiness gate',
    file: 'strategies/classify.ts',
    find: "r.state === 'running' && r.probe.readySince !== null",
    replace: "r.state === 'running'",
    by: worlds(/is routed, not ready|is routed after|serving falls from/),
  },
  {
    name: 'the old stopped first',
    file: 'strategies/rolling.ts',
    find: 'let mayLeave = Math.max(0, spare);',
    replace: 'let mayLeave = Math.max(replicas, spare);',
    by: worlds(/serving falls from/),
  },
  {
    name: 'stopped while proxies still have the table before',
    file: 'strategies/converge.ts',
    find: 'if (member.routed || !isAcknowledged(world)) return false;',
    replace: 'if (member.routed) return false;',
    by: worlds(/routes to|has requests on it/),
  },
  {
    name: 'one more than the surge',
    file: 'strategies/starting.ts',
    find: 'goal.limit - countStanding(world)',
    replace: 'goal.limit + 1 - countStanding(world)',
    by: worlds(/would be one more than/),
  },
  {
    name: 'no resync',
    file: 'src/controller/reconciler.ts',
    find: 'Math.min(plan.wakeAt ?? Number.POSITIVE_INFINITY, at + RESYNC_MS)',
    replace: 'plan.wakeAt',
    by: { kind: 'test', file: 'test/sim/resync.test.ts', name: 'came without an event' },
  },
  {
    name: 'no fence around the engine',
    file: 'src/controller/leader.ts',
    find: 'return () => term !== null && this.term() === term;',
    replace: 'return () => true;',
    by: worlds(/does not lead, and calls/, 130),
  },
  {
    name: 'a deadline renewed by a restart',
    file: 'strategies/advance.ts',
    find: 'if (held !== rollout.held || progress > rollout.progress) {',
    replace:
      'if (held !== rollout.held || progress > rollout.progress || world.observed.watchedSince > rollout.deadline - progressDeadlineMs) {',
    by: worlds(/the deadline moved/),
  },
  {
    name: 'quarantine forgotten',
    file: 'strategies/resolving.ts',
    find: 'observed.quarantined.includes(image.digest) && !rollout.insists',
    replace: 'false',
    by: worlds(/starts in quarantine/, 86),
  },
  {
    name: 'absence of a proxy taken for consent',
    file: 'strategies/proxies.ts',
    find: 'now < Math.max(since, watchedSince) + MISSING_MS',
    replace: 'false',
    by: worlds(/routes to|has requests on it/, 130),
  },
  {
    name: 'decided by the wall clock',
    file: 'src/controller/clock.ts',
    find: 'Math.floor(origin + monotonic())',
    replace: 'wall()',
    by: worlds(
      /of a good version ended|with requests in flight|in a world at rest|never ended|cut short/,
      185,
    ),
  },
  {
    name: 'weight decided once per connection',
    file: 'proxy/exchange/exchange.ts',
    find: 'this.preferred = this.#sticky;',
    replace:
      'const kept = input.request.socket as { kept?: number | null };\n    this.preferred = kept.kept ?? this.#sticky;\n    kept.kept = this.preferred ?? 3;',
    by: {
      kind: 'test',
      file: 'test/proxy/exchange/exchange.test.ts',
      name: 'per request, not per connection',
    },
  },
  {
    name: 'a POST tried again',
    file: 'proxy/exchange/exchange.ts',
    find: "(past === 'refused' || SAFE_METHODS.has(method)) && !hasBody && this.tunnel === null",
    replace: 'this.tunnel === null',
    by: { kind: 'test', file: 'test/proxy/exchange/exchange.test.ts', name: 'is 502, asked once' },
  },
  {
    name: 'a leaked socket',
    file: 'proxy/exchange/forward.ts',
    find: 'this.#wire?.leave();',
    replace: '',
    by: { kind: 'test', file: 'test/proxy/exchange/answer.test.ts', name: 'none is left' },
  },
];
