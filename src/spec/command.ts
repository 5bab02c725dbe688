// The value of a command key: one word, `rollback` with a revision number if wanted.
import type { Command, CommandWord, Parsed } from '../../strategies/model.ts';

export const COMMANDS: readonly CommandWord[] = [
  'promote',
  'pause',
  'resume',
  'abort',
  'retry',
  'restart',
  'rollback',
];

export function parseCommand(text: string): Parsed<Command> {
  const [name, number, ...rest] = text.trim().split(/\s+/);
  const word = COMMANDS.find((each) => each === name);
  if (word === undefined) {
    return { ok: false, problem: `found ${quote(name ?? '')}, expected one of ${COMMANDS.join(', ')}` };
  }
  if (number === undefined) return { ok: true, value: { word, to: null } };
  if (word !== 'rollback')
    return { ok: false, problem: `found ${quote(number)} after ${word}, expected nothing` };
  if (rest.length > 0 || !/^[1-9]\d{0,14}$/.test(number)) {
    return { ok: false, problem: `found ${quote([number, ...rest].join(' '))}, expected a revision number` };
  }
  return { ok: true, value: { word, to: Number(number) } };
}

function quote(text: string): string {
  return text === '' ? 'nothing' : JSON.stringify(text.length > 40 ? `${text.slice(0, 37)}…` : text);
}
