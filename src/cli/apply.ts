// `slipway apply`: spec files into the store, all of them in one transaction or none.
import type { Command } from 'commander';
import type { FileSpec } from '../spec/file.ts';
import { type Client, withClient } from './client.ts';
import { CommandFailure, EXIT } from './exit.ts';
import { addConnection, addOutput, readCommandSettings } from './flags.ts';
import type { Session } from './outside.ts';
import { listProblems, readSpecFiles } from './spec-files.ts';

const TRIES = 3;
/** etcd refuses more than 128 operations in one transaction. */
const MOST = 120;

interface Options {
  readonly file: readonly string[];
  readonly dryRun?: true;
}

interface Applied {
  readonly service: string;
  readonly result: 'created' | 'changed' | 'unchanged';
}

export function addApply(program: Command, session: Session): void {
  const command = program
    .command('apply')
    .summary('write spec files to the store')
    .description(
      'Validates all files, then writes their specs in one transaction. A problem in one file leaves all unwritten.',
    )
    .requiredOption('-f, --file <files...>', 'spec files, one or more services each; - is standard input')
    .option('--dry-run', 'say what would change, and change nothing')
    .addHelpText(
      'after',
      '\nExamples:\n  slipway apply -f web.yaml -f api.yaml\n  slipway apply -f web.yaml --dry-run',
    );
  addOutput(command);
  addConnection(command).action(async ({ file, dryRun }: Options) => {
    const { output } = readCommandSettings(command, ['output'], session.env);
    const { specs, problems } = await readSpecFiles(session, file);
    if (problems.length > 0) throw new CommandFailure(EXIT.invalid, listProblems(problems).join('\n'));
    const isDry = dryRun ?? false;
    const applied = await withClient(session, command, (client) => applySpecs(client, specs, isDry));
    const text = applied.map(({ service, result }) => `${service}: ${result}${isDry ? ' (dry run)' : ''}`);
    session.out.write(output === 'json' ? `${JSON.stringify(applied, null, 2)}\n` : `${text.join('\n')}\n`);
  });
}

/** Guards every key that it compared, and compares anew when another writer was faster. */
async function applySpecs(client: Client, specs: readonly FileSpec[], isDry: boolean): Promise<Applied[]> {
  if (specs.length > MOST) {
    throw new CommandFailure(
      EXIT.invalid,
      `found ${specs.length} services, expected at most ${MOST} in one apply`,
    );
  }
  for (let tries = 0; tries < TRIES; tries += 1) {
    const applied = await writeSpecs(client, specs, isDry);
    if (applied !== null) return applied;
  }
  throw new CommandFailure(
    EXIT.failed,
    'others kept changing these specs meanwhile; nothing was written; try again',
  );
}

/** Null when a spec changed between reading and writing. */
async function writeSpecs({ store, keys }: Client, specs: readonly FileSpec[], isDry: boolean) {
  const compared = await Promise.all(
    specs.map(async ({ service, text }) => {
      const key = keys.spec(service);
      const before = await store.get(key);
      const result = before === null ? 'created' : before.value === text ? 'unchanged' : 'changed';
      return { service, key, text, result, modRevision: before?.modRevision ?? 0 } as const;
    }),
  );
  const applied = compared.map(({ service, result }): Applied => ({ service, result }));
  const changed = compared.filter(({ result }) => result !== 'unchanged');
  if (isDry || changed.length === 0) return applied;
  const commit = await store.commit({
    guards: changed.map(({ key, modRevision }) => ({ key, modRevision })),
    puts: changed.map(({ key, text }) => ({ key, value: text })),
    deletes: [],
  });
  return commit.ok ? applied : null;
}
