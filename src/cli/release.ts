// `slipway release`: sets the version key, and follows what becomes of it when asked to.
import type { Command } from 'commander';
import { parseVersion } from '../spec/version.ts';
import {
  type Client,
  orWhenForbidden,
  readServiceName,
  requireSpec,
  withClient,
  writeKey,
} from './client.ts';
import { CommandFailure, EXIT, type ExitCode } from './exit.ts';
import { addConnection, addSettings, readCommandSettings } from './flags.ts';
import type { Session } from './outside.ts';
import { followToEnd } from './request.ts';

interface Options {
  readonly wait?: true;
}

export function addRelease(program: Command, session: Session): void {
  const command = program
    .command('release')
    .summary('ask for a version, and wait for the verdict')
    .description(
      "Sets a service's version key. With --wait, follows the rollout to its end: exit 0 succeeded, 1 failed, " +
        '3 rolled back, 4 superseded, 5 timed out, 6 refused, 7 aborted.',
    )
    .argument('<service>', 'the service', readServiceName)
    .argument('<version>', 'a tag, or sha256:…', readVersion)
    .option('--wait', 'follow the rollout until it has ended')
    .addHelpText(
      'after',
      '\nExamples:\n  slipway release web v2.0\n  slipway release web v2.0 --wait --timeout 15m -o json',
    );
  addSettings(command, ['timeout', 'output'], 'Options:');
  addConnection(command).action(async (service: string, version: string, options: Options) => {
    const settings = readCommandSettings(command, ['timeout', 'output'], session.env);
    session.exitCode = await withClient(session, command, async (client) => {
      await requireSpec(client, service);
      const revision = await writeKey(client.store, client.keys.version(service), version);
      if (!options.wait) return reportWritten(session, client, { service, version, revision, ...settings });
      const request = { kind: 'version', revision, version } as const;
      return followToEnd(session, client, {
        service,
        request,
        timeoutMs: settings.timeout,
        output: settings.output,
      });
    });
  });
}

/** The parser of a VERSION. */
export function readVersion(text: string): string {
  const parsed = parseVersion(text);
  if (parsed.ok) return parsed.value;
  throw new CommandFailure(EXIT.invalid, `VERSION: ${parsed.problem}`);
}

interface Written {
  readonly service: string;
  readonly version: string;
  readonly revision: number;
  readonly output: 'text' | 'json';
}

async function reportWritten(session: Session, client: Client, written: Written): Promise<ExitCode> {
  const { service, version, revision, output } = written;
  const { store, keys } = client;
  const own = await store.get(keys.serviceFreeze(service));
  const freeze = own ?? (await orWhenForbidden(null, () => store.get(keys.freeze)));
  if (freeze !== null) {
    session.err.write(
      `${service} is frozen (${freeze.value.trim()}): the rollout starts when ${freeze.key} is gone.\n`,
    );
  }
  const text = `${service}: asked for ${version}. Follow it with \`slipway status ${service} --watch\`.`;
  const document = { service, version, requested: revision, frozen: freeze?.value.trim() ?? null };
  session.out.write(`${output === 'json' ? JSON.stringify(document, null, 2) : text}\n`);
  return EXIT.done;
}
