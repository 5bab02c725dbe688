// Everything that a command touches beyond its arguments, as one value, so that tests give it another world.
import type { ContainerRuntime } from '../../deploy/runtime.ts';
import type { ClientConfig, ProxyConfig, ServeConfig, Variables } from '../config.ts';
import type { Store } from '../store/port.ts';

/** Where text goes. Colour, progress and redrawing are for terminals only. */
export interface Sink {
  readonly isTerminal: boolean;
  readonly columns: number;
  write(text: string): void;
  /** The stream itself, which the progress bar draws on; null where there is no terminal. */
  readonly terminal: NodeJS.WriteStream | null;
}

export interface Outside {
  readonly env: Variables;
  readonly out: Sink;
  readonly err: Sink;
  /** Aborts on Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch. */
  now(): number;
  /** `-` is standard input. */
  readText(path: string): Promise<string>;
  /** A file that its owner alone may read: whole, or as it was before. */
  writeText(path: string, text: string): Promise<void>;
  openStore(config: ClientConfig): Promise<Store>;
  openRuntime(address: string): Promise<ContainerRuntime>;
  runDaemon(config: ServeConfig, signal: AbortSignal): Promise<void>;
  runProxy(config: ProxyConfig, signal: AbortSignal): Promise<void>;
}

/** One run of the program: the outside, and the exit code that its command sets. */
export interface Session extends Outside {
  exitCode: number;
}
