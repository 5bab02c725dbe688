// Commands inside containers, for probes. The engine cannot kill what it ran, so one that outlives its time is
// remembered, and none is started beside it: a hanging probe costs one process, not one per interval.
//
// INVARIANTS
// - time that ran out speaks against the container only when the engine itself says that the command still runs; an
//   engine that does not answer is thrown, and counts neither way

import type { ProbeAnswer } from '../strategies/model.ts';
import { withDeadline } from './deadline.ts';
import type { EngineClient } from './docker-client.ts';
import { statusOf } from './engine-words.ts';
import { RuntimeFailure } from './errors.ts';
import { readLogLines } from './line-reader.ts';
import type { Permit } from './runtime.ts';

const MAX_OUTPUT_LINES = 200;
const MAX_REMEMBERED = 1000;
/** After the time of a command is up: to hear from the engine whether it runs. */
const ASK_MS = 2_000;

export class EngineExec {
  readonly #client: EngineClient;
  /** Container id → the exec that had not ended when its time was up. */
  readonly #overdue = new Map<string, string>();

  constructor(client: EngineClient) {
    this.#client = client;
  }

  async run(id: string, command: readonly string[], timeoutMs: number, permit: Permit): Promise<ProbeAnswer> {
    const words = command.join(' ').slice(0, 120);
    if (await this.#isStillBusy(id)) return failed(`${words}: the former run has not ended`);
    const abort = new AbortController();
    let execId: string | null = null;
    try {
      return await withDeadline({ timeoutMs, what: `exec ${words}` }, async () => {
        execId = await this.#create(id, command, permit);
        const output = await this.#output(execId, permit, abort.signal);
        const { exitCode } = await this.#inspect(execId);
        const last = output === '' ? '' : `: ${output}`;
        return {
          ok: exitCode === 0,
          detail: `${words} → exit ${exitCode ?? 'unknown'}${last}`,
        };
      });
    } catch (error) {
      if (!isTimeout(error)) return asResult(error, words);
      if (execId === null) throw error;
      this.#remember(id, execId);
      return await this.#judgeOverdue(execId, `${words}: no end within ${timeoutMs} ms`, error);
    } finally {
      abort.abort();
    }
  }

  /** It hangs, or the engine does: only the engine knows. */
  async #judgeOverdue(execId: string, words: string, late: unknown): Promise<ProbeAnswer> {
    const { running } = await withDeadline({ timeoutMs: ASK_MS, what: words }, () => this.#inspect(execId));
    if (running) return failed(words);
    throw late;
  }

  async #create(id: string, command: readonly string[], permit: Permit): Promise<string> {
    const call = { action: 'exec', subject: id.slice(0, 12), permit };
    const options = { Cmd: [...command], AttachStdout: true, AttachStderr: true };
    const exec = await this.#client.call(call, (docker, abortSignal) =>
      docker.getContainer(id).exec({ ...options, abortSignal }),
    );
    return exec.id;
  }

  /** The last line that it wrote. */
  async #output(execId: string, permit: Permit, signal: AbortSignal): Promise<string> {
    const call = { action: 'exec', subject: execId.slice(0, 12), permit, signal };
    const stream = await this.#client.stream(call, (docker) =>
      docker.getExec(execId).start({ Detach: false, Tty: false }),
    );
    let last = '';
    let count = 0;
    for await (const line of readLogLines(stream, false, 'exec')) {
      if (line.trim() !== '' && count < MAX_OUTPUT_LINES) last = line.trim().slice(0, 200);
      count += 1;
    }
    return last;
  }

  async #inspect(execId: string): Promise<{ readonly running: boolean; readonly exitCode: number | null }> {
    const call = { action: 'exec', subject: execId.slice(0, 12), safe: true };
    const exec = await this.#client.call(call, (docker, abortSignal) =>
      docker.getExec(execId).inspect({ abortSignal }),
    );
    return { running: exec.Running, exitCode: exec.ExitCode };
  }

  async #isStillBusy(id: string): Promise<boolean> {
    const execId = this.#overdue.get(id);
    if (execId === undefined) return false;
    const { running } = await this.#inspect(execId).catch((error: unknown) => {
      if (error instanceof RuntimeFailure && error.code === 'missing') return { running: false };
      throw error;
    });
    if (!running) this.#overdue.delete(id);
    return running;
  }

  #remember(id: string, execId: string): void {
    const oldest = this.#overdue.keys().next();
    if (this.#overdue.size >= MAX_REMEMBERED && oldest.done !== true) this.#overdue.delete(oldest.value);
    this.#overdue.set(id, execId);
  }
}

/** What speaks against the container is a result; what speaks against the engine is thrown. */
function asResult(error: unknown, words: string): ProbeAnswer {
  if (!(error instanceof RuntimeFailure)) throw error;
  if (error.code === 'start-failed') return failed(`${words}: ${error.message}`);
  if (statusOf(error.cause) === 409) return failed(`${words}: the container is not running`);
  throw error;
}

function isTimeout(error: unknown): boolean {
  return error instanceof RuntimeFailure && error.code === 'timeout';
}

function failed(detail: string): ProbeAnswer {
  return { ok: false, detail };
}
