// Ulimits, capabilities, processors: what the kernel is told of a container.
import type { ContainerSettings } from '../../strategies/spec.ts';
import { field, Refusal, refused } from './fields.ts';
import { findNearest } from './nearest.ts';

type Ulimits = ContainerSettings['ulimits'];

const ULIMITS =
  'core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack'.split(
    ' ',
  );

const CAPABILITIES = (
  'ALL AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE ' +
  'DAC_READ_SEARCH FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD ' +
  'NET_ADMIN NET_BIND_SERVICE NET_BROADCAST NET_RAW PERFMON SETFCAP SETGID SETPCAP SETUID SYSLOG SYS_ADMIN ' +
  'SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME ' +
  'SYS_TTY_CONFIG WAKE_ALARM'
).split(' ');

/** `NET_ADMIN`, `net_admin` and `CAP_NET_ADMIN` are one; an unknown one is refused here, not at the first start. */
export const capability = field<string>('a capability such as NET_BIND_SERVICE, or ALL', (raw) => {
  if (typeof raw !== 'string') return refused;
  const name = raw.toUpperCase().replace(/^CAP_/, '');
  if (CAPABILITIES.includes(name)) return name;
  const nearest = findNearest(name, CAPABILITIES);
  return nearest === null ? refused : new Refusal(undefined, `a capability; ${nearest} perhaps`);
});

const EXPECTED = 'limits by name, each an integer or {soft, hard}, -1 for none';

export const ulimits = field<Ulimits>(EXPECTED, (raw) => {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return refused;
  const entries: [string, Ulimits[string]][] = [];
  for (const [name, value] of Object.entries(raw)) {
    if (!ULIMITS.includes(name)) return new Refusal(`the limit ${name}`, `one of ${ULIMITS.join(', ')}`);
    const limit = readLimit(value);
    if (limit === undefined)
      return new Refusal(`another value for ${name}`, `${EXPECTED}, soft not above hard`);
    entries.push([name, limit]);
  }
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
});

function readLimit(raw: unknown): Ulimits[string] | undefined {
  if (isLimit(raw)) return { soft: raw, hard: raw };
  if (typeof raw !== 'object' || raw === null || Object.keys(raw).sort().join() !== 'hard,soft')
    return undefined;
  if (!('soft' in raw && 'hard' in raw && isLimit(raw.soft) && isLimit(raw.hard))) return undefined;
  const within = raw.hard === -1 || (raw.soft !== -1 && raw.soft <= raw.hard);
  return within ? { soft: raw.soft, hard: raw.hard } : undefined;
}

function isLimit(raw: unknown): raw is number {
  return typeof raw === 'number' && Number.isSafeInteger(raw) && raw >= -1;
}

/** Processors, to the thousandth, as the engine counts them in billionths. */
export const cpus = field<number>('a number above zero such as 0.5', (raw) => {
  const value = typeof raw === 'string' && /^\d+(\.\d+)?$/.test(raw) ? Number(raw) : raw;
  return typeof value === 'number' && value >= 0.001 && value <= 4096 ? value : refused;
});

/** The engine's own policy. `on-failure:3` stops after three restarts. */
export const restart = field<string>('no, always, unless-stopped, on-failure or on-failure:N', (raw) =>
  typeof raw === 'string' && /^(no|always|unless-stopped|on-failure(:[1-9]\d{0,5})?)$/.test(raw)
    ? raw
    : refused,
);

/** `SIGTERM`, `TERM` and `15` as the engine takes them. */
export const stopSignal = field<string>('a signal such as SIGTERM, SIGQUIT or 15', (raw) => {
  const name = typeof raw === 'number' ? String(raw) : raw;
  if (typeof name !== 'string') return refused;
  if (/^([1-9]|[1-5]\d|6[0-4])$/.test(name)) return name;
  const signal = name.toUpperCase().replace(/^(SIG)?/, 'SIG');
  return SIGNALS.test(signal) ? signal : refused;
});

const SIGNALS =
  /^SIG(HUP|INT|QUIT|ILL|TRAP|ABRT|BUS|FPE|KILL|USR1|SEGV|USR2|PIPE|ALRM|TERM|STKFLT|CHLD|CONT|STOP|TSTP|TTIN|TTOU|URG|XCPU|XFSZ|VTALRM|PROF|WINCH|IO|PWR|SYS|RTMIN(\+\d{1,2})?|RTMAX(-\d{1,2})?)$/;
