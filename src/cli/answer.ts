// Gives one command to the controller and waits for its answer: writes the command key, sees it consumed, reads what
// came of it. Never withdraws a command: one that is not answered in time stays and will be obeyed.
import { putCommand } from '../controller/command.ts';
import { parseRecord } from '../controller/record.ts';
import { type Client, orWhenForbidden } from './client.ts';
import { CommandFailure, EXIT } from './exit.ts';
import { followPrefix } from './follow.ts';
import type { Outside } from './outside.ts';
import { readService, type ServiceView } from './service.ts';

const PENDING_MS = 5000;

export interface Answer {
  /** The etcd revision of the command. */
  readonly revision: number;
  readonly isRefused: boolean;
  /** This service or all of them are frozen: no new rollout starts. */
  readonly isFrozen: boolean;
  readonly message: string;
  readonly reason: string | null;
}

/** `text` is what the key holds: `promote`, `rollback 7`. */
export async function askController(
  outside: Outside,
  client: Client,
  service: string,
  text: string,
  timeoutMs: number,
): Promise<Answer> {
  const revision = await takeTurn(outside, client, service, text, Math.min(PENDING_MS, timeoutMs));
  const view = await awaitView(
    outside,
    client,
    service,
    timeoutMs,
    (now) => now.command?.modRevision !== revision,
  );
  if (view === null) throw explainSilence(outside, service, text);
  if (view.command !== null) {
    throw new CommandFailure(
      EXIT.superseded,
      `${service}: \`${text}\` was replaced by \`${view.command.value.trim()}\` before it was answered`,
    );
  }
  const freeze = view.freeze ?? (await orWhenForbidden(null, () => client.store.get(client.keys.freeze)));
  return { ...readAnswer(view, revision), isFrozen: freeze !== null };
}

function readAnswer({ status, rollout }: ServiceView, revision: number): Omit<Answer, 'isFrozen'> {
  const answer = rollout === null ? null : parseRecord(rollout.value)?.memory.answer;
  const mine = answer?.command === revision ? answer : null;
  return {
    revision,
    isRefused: mine?.refused ?? status?.reason === 'refused',
    message: mine?.text ?? status?.message ?? '',
    reason: status?.reason ?? null,
  };
}

/** Waits for its turn where another command still waits. */
async function takeTurn(
  outside: Outside,
  client: Client,
  service: string,
  text: string,
  patienceMs: number,
): Promise<number> {
  const key = client.keys.command(service);
  const first = await putCommand(client.store, key, text);
  if (first.ok) return first.revision;
  const view = await awaitView(outside, client, service, patienceMs, (now) => now.command === null);
  const second = view === null ? first : await putCommand(client.store, key, text);
  if (second.ok) return second.revision;
  throw new CommandFailure(
    outside.signal.aborted ? EXIT.interrupted : EXIT.failed,
    `${service}: \`${second.waiting}\` still waits in ${key}, so \`${text}\` was not given. The controller does not answer: ` +
      `see \`slipway doctor\`; withdraw the former with \`etcdctl del ${key}\`.`,
  );
}

/** The first view that `isReached` accepts; null when the time is over, or at Ctrl-C. */
export async function awaitView(
  outside: Outside,
  { store, keys }: Client,
  service: string,
  timeoutMs: number,
  isReached: (view: ServiceView) => boolean,
): Promise<ServiceView | null> {
  const clock = new AbortController();
  const timer = setTimeout(() => clock.abort(), timeoutMs);
  try {
    const signal = AbortSignal.any([outside.signal, clock.signal]);
    for await (const snapshot of followPrefix(store, keys.service(service), signal)) {
      const view = readService(keys, service, snapshot);
      if (snapshot.trouble === null && isReached(view)) return view;
    }
    return null;
  } finally {
    clearTimeout(timer);
  }
}

function explainSilence(outside: Outside, service: string, text: string): CommandFailure {
  const stays = `\`${text}\` stays in the store and is obeyed when a controller takes it`;
  if (outside.signal.aborted) return new CommandFailure(EXIT.interrupted, `${service}: ${stays}.`);
  return new CommandFailure(
    EXIT.timedOut,
    `${service}: no answer from the controller in time; ${stays}. See \`slipway doctor\`.`,
  );
}
