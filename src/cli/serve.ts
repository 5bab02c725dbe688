// `slipway serve` and `slipway proxy`: settings in, a long run out.
import type { Command } from 'commander';
import { CLIENT_SETTINGS, PROXY_SETTINGS, SERVE_SETTINGS, type SettingName } from '../config-settings.ts';
import { addConnection, addSettings, readCommandSettings } from './flags.ts';
import type { Session } from './outside.ts';

const PROXY_DEFAULTS = { admin: '127.0.0.1:9181' } as const;

export function addServe(program: Command, session: Session): void {
  const command = program
    .command('serve')
    .summary('run the controller, its admin server, and a proxy')
    .description(
      'Runs the controller, its admin server and a proxy process beside it. By default it runs an etcd of its own, ' +
        'or uses the one that already answers on 127.0.0.1:2379.',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  slipway serve\n  slipway serve --etcd http://10.0.0.1:2379 --http :80 --no-proxy',
    );
  addSettings(command, withoutConnection(SERVE_SETTINGS), 'Options:');
  addConnection(command).action(async () => {
    const config = readCommandSettings(command, SERVE_SETTINGS, session.env);
    await session.runDaemon(config, session.signal);
  });
}

export function addProxy(program: Command, session: Session): void {
  const command = program
    .command('proxy')
    .summary('run only the data plane')
    .description('Runs only the proxy: its table comes from etcd, or from a file with --table.')
    .addHelpText(
      'after',
      '\nExamples:\n  slipway proxy --http :80 --workers 2\n  slipway proxy --table table.json\n  slipway proxy --http :80 --https :443 --tls-dir /etc/slipway/tls',
    );
  addSettings(command, withoutConnection(PROXY_SETTINGS), 'Options:', PROXY_DEFAULTS);
  addConnection(command).action(async () => {
    const config = readCommandSettings(command, PROXY_SETTINGS, session.env, PROXY_DEFAULTS);
    await session.runProxy(config, session.signal);
  });
}

function withoutConnection(names: readonly SettingName[]): SettingName[] {
  const connection: readonly SettingName[] = CLIENT_SETTINGS;
  return names.filter((name) => !connection.includes(name));
}
