// `slipway weights`: the manual split between versions, and its end.
import type { Command } from 'commander';
import { parseWeights } from '../spec/weights.ts';
import { type Client, readServiceName, requireSpec, withClient, writeKey } from './client.ts';
import { CommandFailure, EXIT } from './exit.ts';
import { addConnection, addOutput, readCommandSettings } from './flags.ts';
import type { Session } from './outside.ts';
import { printSaid, type Said } from './print.ts';

export function addWeights(program: Command, session: Session): void {
  const command = program
    .command('weights')
    .summary('split traffic by hand')
    .description(
      'Splits traffic between versions by hand: integers that sum to 100. While the split exists the strategy is ' +
        'suspended; --clear hands control back.',
    )
    .argument('<service>', 'the service', readServiceName)
    .argument('[split...]', 'VERSION=PERCENT, one per version')
    .option('--clear', 'end the manual split')
    .addHelpText('after', '\nExamples:\n  slipway weights web v1=90 v2=10\n  slipway weights web --clear');
  addOutput(command);
  addConnection(command).action(
    async (service: string, split: readonly string[], { clear }: { clear?: true }) => {
      const { output } = readCommandSettings(command, ['output'], session.env);
      const wanted = readSplit(split, clear ?? false);
      await withClient(session, command, async (client) => {
        await requireSpec(client, service);
        const said = wanted === null ? clearSplit(client, service) : writeSplit(client, service, wanted);
        printSaid(session, output, await said);
      });
    },
  );
}

interface Split {
  /** What the key is to hold. */
  readonly text: string;
  readonly weights: Readonly<Record<string, number>>;
}

/** Null to end it. */
function readSplit(split: readonly string[], isCleared: boolean): Split | null {
  if (isCleared && split.length === 0) return null;
  if (isCleared) throw new CommandFailure(EXIT.invalid, 'found a split beside --clear, expected one of them');
  const parsed = parseWeights(split.join(','));
  if (!parsed.ok) throw new CommandFailure(EXIT.invalid, `split: ${parsed.problem}`);
  return { text: split.join(','), weights: parsed.value };
}

async function writeSplit({ store, keys }: Client, service: string, split: Split): Promise<Said> {
  const requested = await writeKey(store, keys.weights(service), split.text);
  return {
    text: `${service}: manual split ${split.text}; \`slipway weights ${service} --clear\` hands control back`,
    document: { service, weights: split.weights, result: 'set', requested },
  };
}

async function clearSplit({ store, keys }: Client, service: string): Promise<Said> {
  const key = keys.weights(service);
  if ((await store.get(key)) === null) {
    const document = { service, weights: null, result: 'unchanged' };
    return { text: `${service}: there is no manual split`, document };
  }
  await store.commit({ guards: [], puts: [], deletes: [key] });
  return {
    text: `${service}: the manual split has ended; the strategy rules again`,
    document: { service, weights: null, result: 'cleared' },
  };
}
