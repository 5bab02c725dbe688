// What ours and the peers make of the corpus of requests that two readers could understand in two ways: a target with a
// parser that forgives nothing says what reached it. Ours is held to the corpus by the tests; here are the controls.
import Table from 'cli-table3';
import { BODY_CASES } from '../test/proxy/corpus/body-cases.ts';
import type { Case } from '../test/proxy/corpus/case.ts';
import { converse, type Send, WAYS } from '../test/proxy/corpus/converse.ts';
import { HEAD_CASES } from '../test/proxy/corpus/head-cases.ts';
import { Judge } from '../test/proxy/corpus/judge.ts';
import { printLine } from './figures.ts';
import { readAllowedCores } from './proxy/cores.ts';
import { choosePeer, PEER_NAMES, type PeerName } from './proxy/peers.ts';
import { type Place, usePlace } from './proxy/place.ts';
import { prepare, watchForEnd } from './proxy/prepare.ts';

interface Verdicts {
  sent: number;
  /** Nothing reached the target. */
  refused: number;
  /** What the corpus says, and nothing else, reached the target. */
  forwarded: number;
  /** Of what the corpus wants refused, or forwarded otherwise, something reached the target in a form beyond doubt. */
  lenient: number;
  /** What reached the target can be understood in two ways. */
  ambiguous: number;
  readonly examples: string[];
}

const EXAMPLES = 12;

export async function benchCorpus(): Promise<void> {
  const signal = watchForEnd();
  await prepare();
  await usePlace(signal, async (place) => {
    const table = new Table({
      head: ['', 'sent', 'refused', 'forwarded', 'otherwise', 'ambiguous'],
      style: { head: [], border: [] },
    });
    for (const name of PEER_NAMES) {
      const verdicts = await judgePeer(place, name);
      const { sent, refused, forwarded, lenient, ambiguous, examples } = verdicts;
      table.push([name, sent, refused, forwarded, lenient, ambiguous]);
      printLine(`${name}: ${examples.length === 0 ? 'nothing ambiguous' : ''}`);
      for (const example of examples.slice(0, EXAMPLES)) printLine(`  ${example}`);
    }
    printLine(table.toString());
  });
}

async function judgePeer(place: Place, name: PeerName): Promise<Verdicts> {
  const closers: (() => Promise<void>)[] = [];
  const judge = await new Judge().listen({ onClose: (closer) => closers.push(closer) });
  const backend = Number(judge.address.split(':')[1]);
  const running = await choosePeer(name).start(place, { backend, cores: readAllowedCores().join(',') });
  closers.unshift(() => running.stop());
  const verdicts = { sent: 0, refused: 0, forwarded: 0, lenient: 0, ambiguous: 0, examples: [] };
  try {
    for (const [way, send] of Object.entries(WAYS)) {
      for (const each of [...BODY_CASES, ...HEAD_CASES]) {
        place.signal.throwIfAborted();
        await judgeCase(judge, running.port, each, { way, send }, verdicts);
      }
    }
    return verdicts;
  } finally {
    for (const close of closers) await close();
  }
}

async function judgeCase(
  judge: Judge,
  port: number,
  { name, text, reaches }: Case,
  { way, send }: { readonly way: string; readonly send: Send },
  verdicts: Verdicts,
): Promise<void> {
  judge.forget();
  await converse(port, text, send);
  verdicts.sent += 1;
  if (judge.problems.length > 0) {
    verdicts.ambiguous += 1;
    verdicts.examples.push(`${name}, ${way}: ${judge.problems.join('; ')}`);
  } else if (judge.seen.length === 0) verdicts.refused += 1;
  else if (JSON.stringify(judge.seen) === JSON.stringify(reaches)) verdicts.forwarded += 1;
  else verdicts.lenient += 1;
}
