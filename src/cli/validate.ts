// `slipway validate`: every problem of every file, and nothing else. Needs no store.
import type { Command } from 'commander';
import { countOf } from '../../strategies/describe.ts';
import { EXIT } from './exit.ts';
import { addOutput, readCommandSettings } from './flags.ts';
import type { Session } from './outside.ts';
import { listProblems, readSpecFiles } from './spec-files.ts';

export function addValidate(program: Command, session: Session): void {
  const command = program
    .command('validate')
    .summary('check spec files')
    .description('Checks spec files and prints every problem with its path; exit 2 if there is any.')
    .requiredOption('-f, --file <files...>', 'spec files; - is standard input')
    .addHelpText(
      'after',
      '\nExamples:\n  slipway validate -f web.yaml\n  cat web.yaml | slipway validate -f -',
    );
  addOutput(command).action(async ({ file }: { readonly file: readonly string[] }) => {
    const { output } = readCommandSettings(command, ['output'], session.env);
    const { specs, problems } = await readSpecFiles(session, file);
    const services = specs.map(({ service }) => service);
    if (output === 'json') {
      session.out.write(`${JSON.stringify({ valid: problems.length === 0, services, problems }, null, 2)}\n`);
    } else if (problems.length > 0) {
      session.err.write(`${listProblems(problems).join('\n')}\n`);
    } else {
      session.out.write(`valid: ${countOf(specs.length, 'service')} (${services.join(', ')})\n`);
    }
    session.exitCode = problems.length > 0 ? EXIT.invalid : EXIT.done;
  });
}
