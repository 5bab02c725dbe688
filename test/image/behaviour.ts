// What the test web server is told by its environment: how it starts, fails and ends. Reads the environment once;
// serves nothing.

export interface Behaviour {
  readonly version: string;
  readonly port: number;
  /** Until then `/health` answers 503. */
  readonly readyDelayMs: number;
  /** Until then nothing listens. */
  readonly listenDelayMs: number;
  /** From then on `/health` answers 503; 0 is never. */
  readonly unhealthyAfterMs: number;
  /** A path: while a file is there `/health` answers 503, also after a restart; empty is none. */
  readonly sickWhile: string;
  /** Fixed answer of `/health`; 0 is none. */
  readonly healthStatus: number;
  /** Share of `/` requests that answer 500, spread evenly: 0.25 is every fourth. */
  readonly failRate: number;
  readonly latencyMs: number;
  readonly crashAfterMs: number;
  readonly oomAfterMs: number;
  readonly exitCode: number;
  readonly exitAtOnce: boolean;
  readonly ignoreSigterm: boolean;
}

export function readBehaviour(env: Readonly<Record<string, string | undefined>>): Behaviour {
  const number = (name: string, fallback: number): number => {
    const value = env[name] === undefined || env[name] === '' ? fallback : Number(env[name]);
    if (!Number.isFinite(value) || value < 0)
      throw new Error(`${name}=${env[name]}: expected a number, 0 or more`);
    return value;
  };
  return {
    version: env.VERSION ?? 'dev',
    port: number('PORT', 8080),
    readyDelayMs: number('READY_DELAY_MS', 0),
    listenDelayMs: number('LISTEN_DELAY_MS', 0),
    unhealthyAfterMs: number('UNHEALTHY_AFTER_MS', 0),
    sickWhile: env.SICK_WHILE ?? '',
    healthStatus: number('HEALTH_STATUS', 0),
    failRate: number('FAIL_RATE', 0),
    latencyMs: number('LATENCY_MS', 0),
    crashAfterMs: number('CRASH_AFTER_MS', 0),
    oomAfterMs: number('OOM_AFTER_MS', 0),
    exitCode: number('EXIT_CODE', 1),
    exitAtOnce: env.EXIT_AT_ONCE === '1',
    ignoreSigterm: env.IGNORE_SIGTERM === '1',
  };
}

/** Starts the timers of a planned end: a crash, or memory without end. */
export function scheduleEnd(behaviour: Behaviour): void {
  if (behaviour.crashAfterMs > 0) {
    setTimeout(() => {
      console.error(`fatal: crashed after ${behaviour.crashAfterMs} ms, as told by CRASH_AFTER_MS`);
      process.exit(behaviour.exitCode);
    }, behaviour.crashAfterMs);
  }
  if (behaviour.oomAfterMs > 0) setTimeout(exhaustMemory, behaviour.oomAfterMs);
}

function exhaustMemory(): void {
  console.error('warning: allocating without end, as told by OOM_AFTER_MS');
  const held: Buffer[] = [];
  const allocate = (): void => {
    held.push(Buffer.alloc(16 * 1024 * 1024, held.length + 1));
    setImmediate(allocate);
  };
  allocate();
}
