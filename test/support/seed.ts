// Properties play the same cases on every run, so that a change is judged by what it changes. To hunt for new ones:
// `SEED=$RANDOM RUNS=5000 npm test -- test/sim/properties`.
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env.SEED ?? 1) });
