// `slipway backup`: the keys of the prefix, as they stood at one etcd revision, into a file.
import type { Command } from 'commander';
import { type Backup, formatBackup } from './backup-file.ts';
import { readBackup } from './backup-read.ts';
import { withClient } from './client.ts';
import { CommandFailure, EXIT } from './exit.ts';
import { addConnection } from './flags.ts';
import type { Session } from './outside.ts';
import { countThings } from './words.ts';

export function addBackup(program: Command, session: Session): void {
  const command = program
    .command('backup')
    .summary('write the keys of the prefix into a file')
    .description(
      'Every key of the prefix, as they stood at one etcd revision, but for those under a lease. The file can be read by its owner alone.',
    )
    .argument('<file>', 'the file, which is replaced; - is standard output')
    .option('--configuration', 'the configuration of containers, too: /app/, /env/, /secrets/ and /feature/')
    .addHelpText(
      'after',
      '\nExamples:\n  slipway backup slipway.json\n  slipway backup --configuration - | gpg --encrypt --recipient ops > slipway.gpg',
    );
  addConnection(command).action(async (file: string, options: { readonly configuration?: true }) => {
    await withClient(session, command, async ({ store, keys }) => {
      const created = new Date(session.now()).toISOString();
      const backup = await readBackup(store, keys, options.configuration ?? false, created);
      await writeBackup(session, file, backup);
    });
  });
}

async function writeBackup(session: Session, file: string, backup: Backup): Promise<void> {
  if (file === '-') {
    session.out.write(formatBackup(backup));
    return;
  }
  try {
    await session.writeText(file, formatBackup(backup));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandFailure(EXIT.failed, `${file}: not written (${why}); nothing was changed`, error);
  }
  const count = backup.entries.length + (backup.configuration?.length ?? 0);
  session.out.write(
    `${file}: ${countThings(count, 'key')} of ${backup.prefix}, as of revision ${backup.revision}\n`,
  );
}
