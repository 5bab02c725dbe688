import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EXIT } from '../../../src/cli/exit.ts';
import type { Session } from '../../../src/cli/outside.ts';
import { buildProgram } from '../../../src/cli/program.ts';
import {
  CLIENT_SETTINGS,
  describeSetting,
  flagOf,
  isSettingName,
  listVariables,
  SETTINGS,
  variableOf,
} from '../../../src/config-settings.ts';
import { openSession } from './stage.ts';

const TEXT = readFileSync(new URL('../../../docs/cli.md', import.meta.url), 'utf8');
const session: Session = openSession();
const commands = buildProgram(session, '0').commands;

/** From one command's heading to the next heading. */
function sectionOf(name: string): string {
  const [, ...rest] = TEXT.split(`### \`slipway ${name}\`\n`);
  return (rest[0] ?? '').split(/^#{2,3} /m)[0] ?? '';
}

describe('docs/cli.md', () => {
  it.each(commands.map((command) => [command.name(), command] as const))(
    'tells every flag of %s',
    (name, command) => {
      const section = sectionOf(name);
      expect(section.length, `a section for ${name}`).toBeGreaterThan(0);
      const connection = CLIENT_SETTINGS.map((setting) => flagOf(setting));
      const isConnected = /connection\s+flags|flags of `serve`/.test(section);
      const missing = command.options
        .map((option) => option.long ?? '')
        .filter((flag) => !(isConnected && connection.some((one) => one === flag)))
        .filter((flag) => !(name === 'doctor' && isSettingFlag(flag)))
        .filter((flag) => !section.includes(flag));
      expect(missing).toEqual([]);
    },
  );

  it.each(['promote', 'pause', 'resume', 'abort', 'retry', 'restart'])(
    'says of %s what its help says',
    (name) => {
      const description = commands.find((command) => command.name() === name)?.description() ?? 'nothing';
      expect(sectionOf(name).replace(/\s+/g, ' ').trim()).toContain(description);
    },
  );

  it('tells which commands take no -o json', () => {
    const without = commands.filter((command) => !command.options.some(({ short }) => short === '-o'));
    const told = /Every command but (.*) takes `-o json`/.exec(TEXT)?.[1] ?? '';
    expect(without.map((command) => command.name())).toEqual(
      [...told.matchAll(/`(\w+)`/g)].map(([, name]) => name),
    );
  });

  it('tells of no command that does not exist', () => {
    const told = [...TEXT.matchAll(/^### `slipway (\S+)`$/gm)].map(([, name]) => name);
    expect(told.sort()).toEqual(commands.map((command) => command.name()).sort());
  });

  it.each(Object.keys(SETTINGS).filter(isSettingName))('tells flag, variable and default of %s', (name) => {
    const row = TEXT.split('\n').find(
      (line) => line.startsWith('| `') && line.includes(`\`${variableOf(name)}\``),
    );
    expect(row).toContain(flagOf(name));
    expect(row).toContain(describeSetting(name).byDefault ?? '|');
  });

  it.each(Object.entries(EXIT))('tells the exit code for %s', (_, code) => {
    expect(TEXT).toMatch(new RegExp(`^\\| ${code} \\| `, 'm'));
  });

  it('tells of no flag that does not exist', () => {
    const known = new Set([
      '--etcd',
      ...commands.flatMap((command) => command.options.map((option) => option.long)),
    ]);
    const told = [...TEXT.matchAll(/`(?:-\w, )?(--[a-z-]+)/g)].map(([, flag]) => flag ?? '');
    expect([...new Set(told)].filter((flag) => !known.has(flag))).toEqual([]);
  });
});

describe('docker-compose.yml', () => {
  // One of its own, exported for it, would stop every command on the host: unknown variables are refused.
  it('takes no SLIPWAY_ variable that the program does not know', () => {
    const file = readFileSync(new URL('../../../docker-compose.yml', import.meta.url), 'utf8');
    const named = [...file.matchAll(/SLIPWAY_[A-Z_]+/g)].map(([name]) => name);
    expect(named).toContain('SLIPWAY_PREFIX');
    expect(named.filter((name) => !listVariables().includes(name))).toEqual([]);
  });
});

describe('the help', () => {
  it.each(commands.map((command) => [command.name(), command] as const))(
    'of %s has an example',
    (name, command) => {
      let text = '';
      command.configureOutput({
        writeOut: (chunk) => {
          text += chunk;
        },
      });
      command.outputHelp();
      expect(text).toMatch(/^Examples?:$/m);
      expect(text).toContain(`slipway ${name}`);
    },
  );
});

function isSettingFlag(flag: string): boolean {
  return Object.keys(SETTINGS)
    .filter(isSettingName)
    .some((name) => flagOf(name) === flag);
}
