// `slipway logs`: what the containers of a service print, each line with its container's name where there are several.
import type { Command } from 'commander';
import type { ContainerRuntime } from '../../deploy/runtime.ts';
import type { ContainerState } from '../../strategies/model.ts';
import { readServiceName } from './client.ts';
import { CommandFailure, EXIT } from './exit.ts';
import { addSettings, readCommandSettings } from './flags.ts';
import { rest } from './follow.ts';
import type { Outside, Session } from './outside.ts';
import { readRevision } from './rollback.ts';
import { printable } from './words.ts';

const LOOK_AGAIN_MS = 1000;

interface Options {
  readonly follow?: true;
  readonly revision?: number;
  readonly tail: number;
}

interface Source {
  readonly runtime: ContainerRuntime;
  readonly prefix: string;
  readonly service: string;
  readonly revision: number | null;
  readonly tail: number;
}

export function addLogs(program: Command, session: Session): void {
  const command = program
    .command('logs')
    .summary("show the containers' logs")
    .description("The last lines of each container's log, from the engine; with -f also those to come.")
    .argument('<service>', 'the service', readServiceName)
    .option('-f, --follow', 'go on until Ctrl-C, with containers that start meanwhile')
    .option('--revision <number>', 'only this revision', readRevision)
    .option('--tail <lines>', 'how many lines of each container at first (default: 100)', readTail, 100)
    .addHelpText('after', '\nExamples:\n  slipway logs web\n  slipway logs web -f --revision 7');
  addSettings(command, ['docker', 'prefix'], 'Connection:').action(
    async (service: string, options: Options) => {
      const { docker, prefix } = readCommandSettings(command, ['docker', 'prefix'], session.env);
      const runtime = await session.openRuntime(docker);
      const source = { runtime, prefix, service, revision: options.revision ?? null, tail: options.tail };
      session.exitCode = options.follow ? await followLogs(session, source) : await showLogs(session, source);
    },
  );
}

function readTail(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new CommandFailure(EXIT.invalid, `--tail: found ${JSON.stringify(text)}, expected a number of lines`);
}

async function listContainers({ runtime, prefix, service, revision }: Source): Promise<ContainerState[]> {
  const all = await runtime.list(prefix, service);
  return all.filter((one) => revision === null || one.revision === revision);
}

async function showLogs(outside: Outside, source: Source): Promise<number> {
  const containers = await listContainers(source);
  if (containers.length === 0) {
    const of = source.revision === null ? '' : ` of revision ${source.revision}`;
    throw new CommandFailure(EXIT.failed, `${source.service} has no containers${of}; see \`slipway status\``);
  }
  for (const container of containers) {
    const lines = await source.runtime.tailLog(container.id, source.tail);
    const head = containers.length > 1 ? `${container.name} | ` : '';
    for (const line of lines) outside.out.write(`${head}${printable(line)}\n`);
  }
  return EXIT.done;
}

/** Looks for new containers again and again; a container's stream ends with the container. */
async function followLogs(outside: Outside, source: Source): Promise<number> {
  const followed = new Map<string, Promise<void>>();
  while (!outside.signal.aborted) {
    for (const container of await listContainers(source)) {
      if (followed.has(container.id) || container.state !== 'running') continue;
      followed.set(container.id, streamOne(outside, source, container));
    }
    await rest(LOOK_AGAIN_MS, outside.signal);
  }
  await Promise.all(followed.values());
  return EXIT.interrupted;
}

async function streamOne(
  outside: Outside,
  { runtime, tail }: Source,
  { id, name }: ContainerState,
): Promise<void> {
  try {
    for await (const line of runtime.streamLog(id, { tail, follow: true, signal: outside.signal })) {
      outside.out.write(`${name} | ${printable(line)}\n`);
    }
  } catch (error) {
    if (outside.signal.aborted) return;
    outside.err.write(`${name}: ${error instanceof Error ? error.message : String(error)}\n`);
  }
}
