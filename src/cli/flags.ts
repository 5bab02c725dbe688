// Puts settings on commands as flags, and reads back what was given. Decides no value: `config` does.
import { type Command, Option } from 'commander';
import type { GivenFlags, Overrides, Settings, Variables } from '../config.ts';
import { readSettings } from '../config.ts';
import type { SettingName } from '../config-settings.ts';
import { CLIENT_SETTINGS, describeSetting, flagOf, isSettingName, variableOf } from '../config-settings.ts';

const SHORT: Partial<Readonly<Record<SettingName, string>>> = { output: '-o, ' };

/** Adds the flags in this order, below one heading of the help. */
export function addSettings(
  command: Command,
  names: readonly SettingName[],
  heading: string,
  overrides: Overrides = {},
): Command {
  for (const name of names) command.addOption(makeOption(name, overrides).helpGroup(heading));
  return command;
}

export function addConnection(command: Command): Command {
  return addSettings(command, CLIENT_SETTINGS, 'Connection:');
}

export function addOutput(command: Command): Command {
  return addSettings(command, ['output'], 'Options:');
}

function makeOption(name: SettingName, overrides: Overrides): Option {
  const { placeholder, text, byDefault, isList } = describeSetting(name);
  const fallback = overrides[name] ?? byDefault;
  const shown = fallback === undefined || placeholder === null ? '' : ` (default: ${fallback})`;
  const flags = `${SHORT[name] ?? ''}${flagOf(name)}${placeholder === null ? '' : ` ${placeholder}`}`;
  const option = new Option(flags, `${text}${shown} [${variableOf(name)}]`);
  return isList
    ? option.argParser((value: string, before: readonly string[] = []) => [...before, value])
    : option;
}

/** What the command line gave, by setting; absent where it gave nothing. */
export function collectFlags(command: Command): GivenFlags {
  const options: Readonly<Record<string, unknown>> = command.opts();
  const given: Record<string, string | readonly string[]> = {};
  for (const [name, value] of Object.entries(options)) {
    if (!isSettingName(name)) continue;
    if (typeof value === 'string' || Array.isArray(value)) given[name] = value;
    if (value === true) given[name] = 'true';
  }
  if (options.proxy === false) given.noProxy = 'true';
  return given;
}

export function readCommandSettings<const K extends SettingName>(
  command: Command,
  names: readonly K[],
  env: Variables,
  overrides: Overrides = {},
): Pick<Settings, K> {
  return readSettings(names, collectFlags(command), env, overrides);
}
