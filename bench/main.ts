// `npm run bench -- NAME [ARGUMENT…]`: prints what it measures; asserts nothing. Figures of one run on one machine.
import { benchCorpus } from './corpus.ts';
import { benchIdle } from './idle.ts';
import { benchProxy } from './proxy.ts';
import { benchRollout } from './rollout.ts';
import { benchStart } from './start.ts';

const BENCHES: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = {
  rollout: benchRollout,
  idle: benchIdle,
  start: benchStart,
  proxy: benchProxy,
  corpus: benchCorpus,
};

const name = process.argv[2] ?? '';
const bench = Object.hasOwn(BENCHES, name) ? BENCHES[name] : undefined;
if (bench === undefined) {
  process.stderr.write(`usage: npm run bench -- ${Object.keys(BENCHES).join(' | ')}\n`);
  process.exitCode = 2;
} else {
  await bench(process.argv.slice(3));
}
