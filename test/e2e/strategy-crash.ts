// A version that gets ready and crashes in the bake window: each strategy comes back from it, and what is lost is what
// the replica that crashed had in hand. Every loss is laid at its door: by its name, or because it came to no other.
import { expect, it } from 'vitest';
import { type LoadFailure, startLoad } from '../../scripts/load.ts';
import { exchange } from '../../scripts/load-exchange.ts';
import type { StreamReport } from '../../scripts/load-streams.ts';
import { Audience } from '../support/audience.ts';
import type { FoundContainer } from '../support/containers.ts';
import { callReplica, crashReplica, readSeen } from '../support/replica.ts';
import type { Service } from '../support/service.ts';
import { waitFor } from '../support/wait.ts';
import type { Given } from './strategy-checks.ts';
import { expectAlone, expectRefused } from './strategy-checks.ts';

type Lost = Pick<LoadFailure, 'what' | 'reason' | 'id'>;

/** A crash with nothing in hand would show nothing, nor a return that waits for nothing. */
const SLOW_ONES = 12;
const SLOW_PATH = '/slow?ms=6000';
const SAID = 'fatal: crashed with code 7, as told by /crash';

export function describeCrash(given: Given): void {
  it('comes back from a version that crashes in the bake, and loses what that replica had in hand alone', async () => {
    const service = await given('v2');
    await service.tune({ monitor: '60s' });
    const load = startLoad(service.target);
    const requested = await service.ask('v3');
    const [crashing, candidates] = await untilBake(service);
    // Streams keep the others there until they have been asked.
    const audience = new Audience(service.target);
    await audience.cover(candidates);
    const slow = await sendSlow(service, crashing);
    await crashReplica(crashing.id);
    await service.until('the verdict', ({ phase }) => phase !== 'monitoring');
    const lostSlow = await slow.lost;
    const { failures } = load.report();
    expect(lostSlow.length).toBeGreaterThan(0);
    const others = await listOthers(service, crashing, candidates);
    await expectLostElsewhereThan(others, [...failures, ...lostSlow]);
    expectCut(await audience.end(), crashing);
    const finished = await service.finish(requested);
    expect(finished).toMatchObject({ outcome: 'rolled-back', reason: 'container-exited' });
    await expectAlone(service, 'v2');
    await expectRefused(service, finished, [{ exitCode: 7, log: expect.arrayContaining([SAID]) }]);
    expect((await load.stop()).failures).toEqual(failures);
  });
}

/** Of the candidate's replicas the one that is to crash, and all of them. */
async function untilBake(service: Service): Promise<[FoundContainer, readonly FoundContainer[]]> {
  const { candidate } = await service.until('the bake', ({ phase }) => phase === 'monitoring');
  const candidates = (await service.containers()).filter(({ revision }) => revision === candidate?.revision);
  const [first] = candidates;
  if (first === undefined) throw new Error('no container of the candidate');
  return [first, candidates];
}

/** POSTs, which nobody may send twice. Resolves when the replica has one in hand; `lost` when all have ended. */
async function sendSlow(
  { target }: Service,
  { id }: FoundContainer,
): Promise<{ readonly lost: Promise<readonly Lost[]> }> {
  const answers = Array.from({ length: SLOW_ONES }, async (_, index): Promise<readonly Lost[]> => {
    const shot = { ...target, method: 'POST', path: SLOW_PATH, body: '', agent: false } as const;
    const { problem } = await exchange({ ...shot, id: `slow-${index}` });
    return problem === null ? [] : [{ what: 'POST /slow', reason: problem, id: `slow-${index}` }];
  });
  await waitFor('a slow request on the replica that is to crash', async () => {
    const { byPath } = JSON.parse(await callReplica(id, '/stats'));
    return byPath['/slow'] > 0;
  });
  return { lost: Promise.all(answers).then((each) => each.flat()) };
}

/** Every replica that runs beside it: all the other ones of the candidate are still there to be asked. */
async function listOthers(
  service: Service,
  crashed: FoundContainer,
  candidates: readonly FoundContainer[],
): Promise<readonly FoundContainer[]> {
  const all = await service.containers();
  const others = all.filter(({ id, state }) => id !== crashed.id && state === 'running');
  const spared = candidates.map(({ id }) => id).filter((id) => id !== crashed.id);
  expect(others.map(({ id }) => id)).toEqual(expect.arrayContaining(spared));
  return others;
}

/** Sent and not answered, not to be sent again, and come to none of these replicas. */
async function expectLostElsewhereThan(
  others: readonly FoundContainer[],
  lost: readonly Lost[],
): Promise<void> {
  const isExcused = ({ what, reason }: Lost) =>
    what.startsWith('POST ') && /^status 502: .*\(target-failed|^cut off/.test(reason);
  expect(lost.filter((each) => !isExcused(each))).toEqual([]);
  const ids = lost.map(({ id }) => id);
  for (const { id, name } of others) {
    // One that has just been started may not listen yet.
    const seen = await waitFor(`an answer of ${name}`, () => readSeen(id, ids));
    expect([name, seen]).toEqual([name, []]);
  }
}

function expectCut(streams: readonly StreamReport[], crashed: FoundContainer): void {
  const isThere = ({ replica }: StreamReport) => crashed.id.startsWith(replica ?? '-');
  expect(streams.filter(isThere).length).toBeGreaterThan(0);
  for (const stream of streams) expect([stream, stream.problem !== null]).toEqual([stream, isThere(stream)]);
}
