// `slipway doctor`: checks what Slipway stands on, and says what to do about each thing that is wrong.
import type { Command } from 'commander';
import { SERVE_SETTINGS } from '../config-settings.ts';
import { checkEngine } from './doctor-engine.ts';
import { checkDirectory, checkDisk, checkGroups, checkNode } from './doctor-host.ts';
import { checkPorts } from './doctor-ports.ts';
import { checkStore } from './doctor-store.ts';
import { EXIT } from './exit.ts';
import type { Finding } from './finding.ts';
import { addOutput, addSettings, readCommandSettings } from './flags.ts';
import type { Session } from './outside.ts';
import { type Paint, paintFor } from './paint.ts';

export function addDoctor(program: Command, session: Session): void {
  const command = program
    .command('doctor')
    .summary('check engine, etcd, ports and permissions')
    .description(
      'Checks engine, etcd, ports, disk and permissions, as `serve` with the same flags would use them, and says what to ' +
        'do about each. Exit 1 if any check fails.',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  slipway doctor\n  slipway doctor --etcd http://10.0.0.1:2379 -o json',
    );
  addOutput(command);
  addSettings(command, SERVE_SETTINGS, 'Settings of `serve`:').action(async () => {
    const { output } = readCommandSettings(command, ['output'], session.env);
    const config = readCommandSettings(command, SERVE_SETTINGS, session.env);
    const findings = (
      await Promise.all([
        checkNode(process.versions.node),
        checkEngine(session, config),
        checkStore(session, config),
        checkPorts(config),
        checkDirectory(config.dataDir),
        checkDisk(config.dataDir),
        checkGroups(),
      ])
    ).flat();
    if (output === 'json') session.out.write(`${JSON.stringify(findings, null, 2)}\n`);
    else session.out.write(formatFindings(findings, paintFor(session, session.out)));
    session.exitCode = findings.some(({ state }) => state === 'fail') ? EXIT.failed : EXIT.done;
  });
}

function formatFindings(findings: readonly Finding[], paint: Paint): string {
  const colour = { ok: paint.green, warn: paint.yellow, fail: paint.red } as const;
  const width = Math.max(...findings.map(({ check }) => check.length));
  const lines = findings.flatMap(({ check, state, found, remedy }) => [
    `${colour[state](state.padEnd(4))}  ${check.padEnd(width)}  ${found}`,
    ...(remedy === null ? [] : [`${' '.repeat(width + 8)}→ ${remedy}`]),
  ]);
  return `${lines.join('\n')}\n`;
}
