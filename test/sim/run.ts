// `npm run sim -- --worlds N --seed S`: plays the worlds S, S+1, … in virtual time. A failure is made small, printed with
// its seed, and exits 1. `--seed S --worlds 1` plays one again, exactly. `--jobs J` shares them out over J processes.
import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { setImmediate as turn } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { generate } from './daemon/generate.ts';
import { play } from './daemon/play.ts';
import { shrink } from './daemon/shrink.ts';
import { Tally } from './daemon/tally.ts';

const { values } = parseArgs({
  options: {
    worlds: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    jobs: { type: 'string', default: '1' },
    'no-shrink': { type: 'boolean', default: false },
  },
});
const [worlds, first] = [Number(values.worlds), Number(values.seed)];
const jobs = Math.min(Number(values.jobs), worlds);

async function playHere(): Promise<Tally> {
  const tally = new Tally();
  for (let seed = first; seed < first + worlds; seed += 1) {
    await turn();
    // Whoever asked for them has gone.
    if (process.send !== undefined && !process.connected) process.exit(1);
    const plot = generate(seed);
    try {
      tally.add(await play(plot));
    } catch (error) {
      const small = values['no-shrink'] ? { plot, error } : await shrink(plot, error as Error);
      const commit = execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8' }).trim();
      const { services, proxies, controllers, acts, faults } = small.plot;
      console.log(JSON.stringify({ services, proxies, controllers, acts, faults }));
      console.log(`${small.error}`);
      console.log(
        `broken: seed ${seed} at commit ${commit}; again: npm run sim -- --seed ${seed} --worlds 1`,
      );
      process.exit(1);
    }
  }
  return tally;
}

// The first process that finds a failure tells of it, and ends the others.
async function playInChildren(): Promise<Tally> {
  const tally = new Tally();
  const children: ChildProcess[] = [];
  const ends = Array.from({ length: jobs }, (_, i) => {
    const [from, to] = [Math.floor((i * worlds) / jobs), Math.floor(((i + 1) * worlds) / jobs)];
    const also = values['no-shrink'] ? ['--no-shrink'] : [];
    const child = fork(import.meta.filename, [
      '--seed',
      `${first + from}`,
      '--worlds',
      `${to - from}`,
      ...also,
    ]);
    children.push(child);
    child.once('message', (told) => tally.add(Tally.from(told as ReturnType<Tally['toJSON']>)));
    return new Promise<void>((resolve) => {
      child.once('exit', (code) => {
        if (code === 0) return resolve();
        for (const other of children) other.kill();
        process.exit(1);
      });
    });
  });
  await Promise.all(ends);
  return tally;
}

const begun = performance.now();
const tally = jobs > 1 ? await playInChildren() : await playHere();
if (process.send !== undefined) process.send(tally.toJSON());
else {
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  for (const line of tally.lines()) console.log(line);
  console.log(`${tally.worlds} worlds, seeds ${first} to ${first + worlds - 1}, 0 broken, in ${seconds} s`);
}
if (process.send !== undefined) process.disconnect();
