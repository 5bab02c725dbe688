// `slipway promote`, `pause`, `resume`, `abort`, `retry`, `restart`: one word to the controller, and its answer.
import type { Command } from 'commander';
import type { CommandWord } from '../../strategies/model.ts';
import { type Answer, askController } from './answer.ts';
import { type Client, readServiceName, requireSpec, withClient } from './client.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { addConnection, addSettings, readCommandSettings } from './flags.ts';
import type { Session } from './outside.ts';
import { followToEnd } from './request.ts';

const ANSWER_MS = 15_000;

interface Word {
  readonly word: Exclude<CommandWord, 'rollback'>;
  readonly summary: string;
  readonly description: string;
  /** It starts a rollout, which can be waited for. */
  readonly isRollout: boolean;
}

const WORDS: readonly Word[] = [
  {
    word: 'promote',
    summary: 'let a rollout that waits go on',
    description:
      'Ends a pause of a canary, switches a blue-green rollout that waits for promotion, or ends the bake.',
    isRollout: false,
  },
  {
    word: 'pause',
    summary: 'hold a rollout where it is',
    description: 'Holds the rollout where it is; its deadline does not run meanwhile.',
    isRollout: false,
  },
  {
    word: 'resume',
    summary: 'go on after a pause',
    description: 'Lets a paused rollout go on.',
    isRollout: false,
  },
  {
    word: 'abort',
    summary: 'stop a rollout and return to the stable revision',
    description: 'Stops the rollout and returns to the stable revision. Honoured in every state.',
    isRollout: false,
  },
  {
    word: 'retry',
    summary: 'try a failed or quarantined version again',
    description: 'Tries the version that is asked for again, even where its digest is quarantined.',
    isRollout: true,
  },
  {
    word: 'restart',
    summary: 'replace all replicas by new ones of the same version',
    description: 'Rolls the stable version out anew, with the strategy of the service.',
    isRollout: true,
  },
];

export function addWords(program: Command, session: Session): void {
  for (const word of WORDS) addWord(program, session, word);
}

function addWord(program: Command, session: Session, { word, summary, description, isRollout }: Word): void {
  const command = program
    .command(word)
    .summary(summary)
    .description(description)
    .argument('<service>', 'the service', readServiceName)
    .addHelpText('after', `\nExample:\n  slipway ${word} web${isRollout ? ' --wait' : ''}`);
  if (isRollout) command.option('--wait', 'follow the rollout until it has ended');
  addSettings(command, ['timeout', 'output'], 'Options:');
  addConnection(command).action(async (service: string, { wait }: { readonly wait?: true }) => {
    session.exitCode = await giveCommand(session, command, { service, text: word, isAwaited: wait ?? false });
  });
}

export interface Given {
  readonly service: string;
  /** What the command key holds. */
  readonly text: string;
  readonly isAwaited: boolean;
}

/** Gives the command, reports the answer, and follows the rollout when asked to. */
export async function giveCommand(session: Session, command: Command, given: Given): Promise<ExitCode> {
  const settings = readCommandSettings(command, ['timeout', 'output'], session.env);
  return withClient(session, command, async (client) => {
    await requireSpec(client, given.service);
    const answer = await askController(
      session,
      client,
      given.service,
      given.text,
      Math.min(ANSWER_MS, settings.timeout),
    );
    if (answer.isRefused || !given.isAwaited) return reportAnswer(session, given, answer, settings.output);
    return followCommand(session, client, given, answer, settings);
  });
}

function followCommand(
  session: Session,
  client: Client,
  { service }: Given,
  { revision }: Answer,
  { timeout, output }: { readonly timeout: number; readonly output: 'text' | 'json' },
): Promise<ExitCode> {
  const request = { kind: 'command', revision, version: null } as const;
  return followToEnd(session, client, { service, request, timeoutMs: timeout, output });
}

function reportAnswer(session: Session, given: Given, answer: Answer, output: 'text' | 'json'): ExitCode {
  const { service, text } = given;
  const { isRefused, message, reason } = answer;
  if (output === 'json') {
    const document = {
      service,
      command: text,
      requested: answer.revision,
      refused: isRefused,
      reason,
      message,
    };
    session.out.write(`${JSON.stringify(document, null, 2)}\n`);
  } else {
    const sink = isRefused ? session.err : session.out;
    sink.write(`${service}: ${text}${isRefused ? ' refused' : ''}${message === '' ? '' : `: ${message}`}\n`);
  }
  return isRefused ? exitOfRefusal(text, answer) : EXIT.done;
}

/** A freeze refuses only what would start a rollout; other refusals have other causes. */
function exitOfRefusal(text: string, { isFrozen, reason }: Answer): ExitCode {
  const isHeld = isFrozen && WORDS.some(({ word, isRollout }) => word === text && isRollout);
  return isHeld || reason === 'quarantined' ? EXIT.refused : EXIT.failed;
}
