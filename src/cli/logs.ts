// `slipway logs`: what the containers of a service print, each line with its container's name where there are several.
import type { Command } from 'commander';
import { readServiceName } from './client.ts';
import { CommandFailure, EXIT, type ExitCode } from './exit.ts';
import { addOutput, addSettings, readCommandSettings } from './flags.ts';
import { LogFollower, type LogSource, listContainers, type PrintLine } from './log-follower.ts';
import type { Outside, Session } from './outside.ts';
import { readRevision } from './rollback.ts';
import { printable } from './words.ts';

interface Options {
  readonly follow?: true;
  readonly revision?: number;
  readonly tail: number;
}

export function addLogs(program: Command, session: Session): void {
  const command = program
    .command('logs')
    .summary("show the containers' logs")
    .description("The last lines of each container's log, from the engine; with -f also those to come.")
    .argument('<service>', 'the service', readServiceName)
    .option('-f, --follow', 'go on until Ctrl-C, with containers that start or are restarted meanwhile')
    .option('--revision <number>', 'only this revision', readRevision)
    .option('--tail <lines>', 'how many lines of each container at first (default: 100)', readTail, 100)
    .addHelpText('after', '\nExamples:\n  slipway logs web\n  slipway logs web -f --revision 7');
  addOutput(command);
  addSettings(command, ['docker', 'prefix'], 'Connection:').action(
    async (service: string, { follow, revision, tail }: Options) => {
      const settings = readCommandSettings(command, ['docker', 'prefix', 'output'], session.env);
      const { prefix, output } = settings;
      const runtime = await session.openRuntime(settings.docker);
      const source = { runtime, prefix, service, revision: revision ?? null, tail };
      session.exitCode = await (follow ? followLogs : showLogs)(session, source, output);
    },
  );
}

type Output = 'text' | 'json';

function readTail(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new CommandFailure(EXIT.invalid, `--tail: found ${JSON.stringify(text)}, expected a number of lines`);
}

async function showLogs(outside: Outside, source: LogSource, output: Output): Promise<ExitCode> {
  const containers = await listContainers(source);
  if (containers.length === 0) {
    const of = source.revision === null ? '' : ` of revision ${source.revision}`;
    throw new CommandFailure(EXIT.failed, `${source.service} has no containers${of}; see \`slipway status\``);
  }
  const print = output === 'json' ? makeJsonPrinter(outside) : makePrinter(outside, containers.length > 1);
  for (const container of containers) {
    for (const line of await source.runtime.tailLog(container.id, source.tail)) print(container, line);
  }
  return EXIT.done;
}

/** Others may join at any time, so each line is named. */
async function followLogs(outside: Outside, source: LogSource, output: Output): Promise<ExitCode> {
  const print = output === 'json' ? makeJsonPrinter(outside) : makePrinter(outside, true);
  await new LogFollower(outside, source, print).run();
  return EXIT.interrupted;
}

function makePrinter({ out }: Outside, isNamed: boolean): PrintLine {
  return ({ name }, text) => out.write(`${isNamed ? `${name} | ` : ''}${printable(text)}\n`);
}

/** The line is whole, and what could drive a terminal is escaped: JSON itself does so for most of it. */
function makeJsonPrinter({ out }: Outside): PrintLine {
  const escaped = (character: string) => `\\u00${character.charCodeAt(0).toString(16)}`;
  return ({ name, revision }, line) => {
    const document = JSON.stringify({ container: name, revision, line });
    out.write(`${document.replace(/[\u007f-\u009f]/g, escaped)}\n`);
  };
}
