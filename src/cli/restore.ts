// `slipway restore`: a backup's keys into the store. Refuses whatever it could harm, unless it is told to.
import type { Command } from 'commander';
import type { Entry } from '../store/port.ts';
import { type Backup, parseBackup } from './backup-file.ts';
import { readConfiguration, readPrefix } from './backup-read.ts';
import { type Client, withClient } from './client.ts';
import { CommandFailure, EXIT } from './exit.ts';
import { addConnection, addOutput, readCommandSettings } from './flags.ts';
import type { Session } from './outside.ts';
import { printSaid } from './print.ts';
import { planRestore, type RestorePlan } from './restore-plan.ts';
import { refuseLeader, takeLead, writePlan } from './restore-write.ts';
import { countThings, printable } from './words.ts';

interface Given {
  readonly replace?: true;
  readonly force?: true;
  readonly configuration?: true;
  readonly dryRun?: true;
}

type Options = Given & { readonly output: 'text' | 'json' };

const SHOWN = 5;

export function addRestore(program: Command, session: Session): void {
  const command = program
    .command('restore')
    .summary('write a backup back into the store')
    .description(
      'Validates the file wholly, then writes it below the prefix, which must be empty. A controller that starts ' +
        'afterwards finds its containers again and goes on; a request that was answered is not answered again.',
    )
    .argument('<file>', 'what `slipway backup` wrote; - is standard input')
    .option(
      '--replace',
      'the prefix may hold keys: make it as the backup is; services that it does not know are retired',
    )
    .option('--force', 'also while a controller leads: it is held off meanwhile, and leads again afterwards')
    .option('--configuration', 'the configuration of containers that the backup holds, too')
    .option('--dry-run', 'say what would be written, and write nothing')
    .addHelpText(
      'after',
      '\nExamples:\n  slipway restore slipway.json --dry-run\n  slipway restore slipway.json --replace',
    );
  addOutput(command);
  addConnection(command).action(async (file: string, given: Given) => {
    const options = { ...given, ...readCommandSettings(command, ['output'], session.env) };
    const backup = await readBackupFile(session, file, options);
    await withClient(session, command, (client) => restore(session, client, backup, options));
  });
}

/** Without its configuration unless that is asked for. */
async function readBackupFile(session: Session, file: string, options: Options): Promise<Backup> {
  const parsed = parseBackup(await readWhole(session, file));
  if (!parsed.ok) {
    const lines = parsed.problems.map((problem) => `${file}: ${problem}`);
    throw new CommandFailure(EXIT.invalid, lines.join('\n'));
  }
  const { backup } = parsed;
  if (!options.configuration) return { ...backup, configuration: null };
  if (backup.configuration !== null) return backup;
  throw new CommandFailure(
    EXIT.invalid,
    `${file}: configuration: found none, expected some: restore without --configuration, or back up with it`,
  );
}

async function readWhole(session: Session, file: string): Promise<string> {
  try {
    return await session.readText(file);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandFailure(EXIT.invalid, `${file}: found a file that cannot be read (${why})`, error);
  }
}

async function restore(session: Session, client: Client, backup: Backup, options: Options): Promise<void> {
  if (!options.force) await refuseLeader(client);
  const drafted = await plan(client, backup, options);
  if (options.dryRun) {
    const text = [...listOperations(drafted), ...listRemarks(drafted)].join('\n');
    printSaid(session, options.output, { text, document: toDocument(client, backup, drafted, 'planned') });
    return;
  }
  const lead = await takeLead(client);
  try {
    // Read again: nobody acts any more.
    const final = await plan(client, backup, options);
    await writePlan(session, client.store, lead, final);
    const text = [...listRemarks(final), summarise(client, backup, final)].join('\n');
    printSaid(session, options.output, { text, document: toDocument(client, backup, final, 'restored') });
  } finally {
    await lead.giveBack();
  }
}

async function plan(client: Client, backup: Backup, options: Options): Promise<RestorePlan> {
  const { store, keys } = client;
  const { entries } = await readPrefix(store, keys);
  if (!options.replace) {
    refuseStanding(entries, `${keys.root} is not empty`);
    if (backup.configuration) refuseStanding(await findOthers(client, backup), 'the configuration differs');
  }
  return planRestore(keys, backup, entries);
}

function refuseStanding(entries: readonly Entry[], what: string): void {
  if (entries.length === 0) return;
  const shown = entries.slice(0, SHOWN).map(({ key }) => key);
  const more = entries.length > SHOWN ? ', …' : '';
  throw new CommandFailure(
    EXIT.failed,
    `${what}: found ${countThings(entries.length, 'key')} (${shown.join(', ')}${more}); nothing was written. ` +
      'Take --replace to have the backup in their place (look at it with --dry-run first), or another --prefix.',
  );
}

/** Keys of the configuration that hold something else than the backup does. */
async function findOthers({ store, keys }: Client, { configuration }: Backup): Promise<readonly Entry[]> {
  const wanted = new Map(configuration?.map(({ key, value }) => [key, value]));
  const standing = await readConfiguration(store, keys);
  return standing.filter(({ key, value }) => wanted.has(key) && wanted.get(key) !== value);
}

function listOperations({ stages }: RestorePlan): string[] {
  return stages.flatMap((stage) => stage.flatMap((group) => group.map(({ kind, key }) => `${kind} ${key}`)));
}

function listRemarks({ leftOut, retired }: RestorePlan): string[] {
  return [
    ...leftOut.map(({ key, why }) => `left out ${key}: ${printable(why)}`),
    ...retired.map((service) => `${service}: not in the backup, so the next controller retires it`),
  ];
}

function summarise(
  { config }: Client,
  { revision, created }: Backup,
  { stages, restored }: RestorePlan,
): string {
  const operations = stages.flat(2);
  const count = operations.filter(({ kind }) => kind === 'put').length;
  const what = `${countThings(count, 'key')} of ${countThings(restored.length, 'service')}`;
  return `${config.prefix}: ${what} restored, as of revision ${revision} (${created})`;
}

function toDocument(
  { config }: Client,
  { revision, created }: Backup,
  { stages, restored, leftOut, retired }: RestorePlan,
  result: 'planned' | 'restored',
): object {
  const operations = stages.flat(2).map(({ kind, key }) => ({ kind, key }));
  return {
    prefix: config.prefix,
    result,
    revision,
    created,
    services: restored,
    operations,
    leftOut,
    retired,
  };
}
