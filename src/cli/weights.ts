// `slipway weights`: the manual split between versions, and its end.
import type { Command } from 'commander';
import { parseWeights } from '../spec/weights.ts';
import { type Client, readServiceName, requireSpec, withClient, writeKey } from './client.ts';
import { CommandFailure, EXIT } from './exit.ts';
import { addConnection } from './flags.ts';
import type { Session } from './outside.ts';

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
  addConnection(command).action(
    async (service: string, split: readonly string[], { clear }: { clear?: true }) => {
      const value = readSplit(split, clear ?? false);
      await withClient(session, command, async (client) => {
        await requireSpec(client, service);
        session.out.write(`${service}: ${await writeSplit(client, service, value)}\n`);
      });
    },
  );
}

/** What the key is to hold; null deletes it. */
function readSplit(split: readonly string[], isCleared: boolean): string | null {
  if (isCleared && split.length === 0) return null;
  if (isCleared) throw new CommandFailure(EXIT.invalid, 'found a split beside --clear, expected one of them');
  const parsed = parseWeights(split.join(','));
  if (!parsed.ok) throw new CommandFailure(EXIT.invalid, `split: ${parsed.problem}`);
  return split.join(',');
}

async function writeSplit({ store, keys }: Client, service: string, value: string | null): Promise<string> {
  const key = keys.weights(service);
  if (value !== null) {
    await writeKey(store, key, value);
    return `manual split ${value}; \`slipway weights ${service} --clear\` hands control back`;
  }
  if ((await store.get(key)) === null) return 'there is no manual split';
  await store.commit({ guards: [], puts: [], deletes: [key] });
  return 'the manual split has ended; the strategy rules again';
}
