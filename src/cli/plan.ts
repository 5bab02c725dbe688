// `slipway plan`: what would happen, step by step, if a version or a spec were asked for now. Reads the store, writes
// nothing, asks no engine.
import type { Command } from 'commander';
import { formatDuration } from '../../strategies/describe.ts';
import { type Client, orWhenForbidden, readServiceName, requireSpec, withClient } from './client.ts';
import { CommandFailure, EXIT } from './exit.ts';
import { addConnection, addOutput, readCommandSettings } from './flags.ts';
import { readSnapshot } from './follow.ts';
import type { Session } from './outside.ts';
import { type Rehearsal, rehearse } from './plan-rehearsal.ts';
import { type Proposal, proposeWorld } from './plan-world.ts';
import { readVersion } from './release.ts';
import { readService } from './service.ts';
import { listProblems, readSpecFiles } from './spec-files.ts';

interface Options {
  readonly file?: string;
  readonly version?: string;
}

export function addPlan(program: Command, session: Session): void {
  const command = program
    .command('plan')
    .summary('say what would happen, without doing it')
    .description(
      'Plays the rollout through with the decisions of the controller, as if every action succeeded, and prints each ' +
        'step. With neither -f nor --version: what is asked for now.',
    )
    .argument('<service>', 'the service', readServiceName)
    .option('-f, --file <file>', 'with the spec in this file; - is standard input')
    .option('--version <version>', 'with this version')
    .addHelpText(
      'after',
      '\nExamples:\n  slipway plan web --version v2.0\n  slipway plan web -f web.yaml --version v2.0',
    );
  addOutput(command);
  addConnection(command).action(async (service: string, { file, version }: Options) => {
    const { output } = readCommandSettings(command, ['output'], session.env);
    const specText = file === undefined ? null : await readSpecText(session, service, file);
    await withClient(session, command, async (client) => {
      const asked = version === undefined ? null : readVersion(version);
      const proposal = await readProposal(session, client, { service, specText, version: asked });
      const { spec, observed } = proposal;
      const rehearsal = rehearse(spec, observed, session.now());
      session.out.write(output === 'json' ? formatJson(service, rehearsal) : formatText(proposal, rehearsal));
    });
  });
}

async function readSpecText(session: Session, service: string, file: string): Promise<string> {
  const { specs, problems } = await readSpecFiles(session, [file]);
  if (problems.length > 0) throw new CommandFailure(EXIT.invalid, listProblems(problems).join('\n'));
  const spec = specs.find((one) => one.service === service);
  if (spec !== undefined) return spec.text;
  const found = specs.map((one) => one.service).join(', ');
  throw new CommandFailure(EXIT.invalid, `${file}: found ${found}, expected ${service}`);
}

interface Asked {
  readonly service: string;
  readonly specText: string | null;
  readonly version: string | null;
}

async function readProposal(session: Session, client: Client, asked: Asked): Promise<Proposal> {
  const { store, keys } = client;
  if (asked.specText === null) await requireSpec(client, asked.service);
  const [snapshot, ...others] = await Promise.all([
    readSnapshot(store, keys.service(asked.service)),
    orWhenForbidden(null, () => store.get(keys.freeze)),
    orWhenForbidden(null, () => store.get(keys.route(asked.service))),
  ]);
  const entries = new Map(snapshot.entries);
  for (const entry of others) if (entry !== null) entries.set(entry.key, entry);
  const { status } = readService(keys, asked.service, snapshot);
  const facts = { ...asked, keys, status, snapshot: { ...snapshot, entries }, now: session.now() };
  const proposal = proposeWorld(facts);
  if (proposal.ok) return proposal.value;
  throw new CommandFailure(EXIT.invalid, proposal.problem);
}

function formatJson(service: string, { steps, message, reason, isEnded }: Rehearsal): string {
  return `${JSON.stringify({ service, steps, ended: isEnded, reason, message }, null, 2)}\n`;
}

function formatText({ observed }: Proposal, { steps, message, isEnded }: Rehearsal): string {
  const { service } = observed;
  if (steps.length === 0) return `${service}: nothing would happen. ${message}\n`;
  const took = steps.at(-1)?.afterMs ?? 0;
  const lines = steps.map(({ what, afterMs }) => `  ${formatOffset(afterMs).padStart(9)}  ${what}`);
  const end = isEnded
    ? `${message} After ${formatDuration(took)} and the time that containers take to get ready.`
    : `It would stay there: ${message}`;
  return [`${service}, if every action succeeds:`, ...lines, end, ''].join('\n');
}

function formatOffset(afterMs: number): string {
  return `+${afterMs === 0 ? '0s' : formatDuration(afterMs)}`;
}
