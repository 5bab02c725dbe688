// One result of `doctor`, and the three ways to say it.

export interface Finding {
  /** What was checked: `engine`, `etcd version`, … */
  readonly check: string;
  readonly state: 'ok' | 'warn' | 'fail';
  readonly found: string;
  /** What to do; null where all is well. */
  readonly remedy: string | null;
}

export function ok(check: string, found: string): Finding {
  return { check, state: 'ok', found, remedy: null };
}

export function warn(check: string, found: string, remedy: string): Finding {
  return { check, state: 'warn', found, remedy };
}

export function fail(check: string, found: string, remedy: string): Finding {
  return { check, state: 'fail', found, remedy };
}
