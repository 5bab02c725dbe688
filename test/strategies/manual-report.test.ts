import { describe, expect, it } from 'vitest';
import { goalOf } from '../../strategies/course.ts';
import { findMissingImage, sayManual } from '../../strategies/manual-report.ts';
import type { ImageState, ManualSplit } from '../../strategies/model.ts';
import { type Given, NOW, ready, world } from './fixture.ts';

const split = (requested: ManualSplit['requested']): ManualSplit => ({
  ...{ weightsRevision: 9, since: NOW, requested, split: {}, revisions: {}, problem: null },
});

describe('sayManual: what they wait for', () => {
  const goal = goalOf({ 1: 3, 2: 1 }, { 1: 90, 2: 10 });
  it.each<readonly [string, ManualSplit['requested'], Given, string]>([
    ['nothing', { v1: 90, v2: 10 }, { replicas: [...ready(1, 3), ...ready(2, 2)] }, ''],
    ['replicas', { v1: 90, v2: 10 }, { replicas: ready(1, 2) }, ' Waiting for 2 replicas.'],
    ['one', { v1: 90, v2: 10 }, { replicas: ready(1, 3) }, ' Waiting for 1 replica.'],
    ['images first', { v7: 60, v8: 40 }, { replicas: ready(1, 3) }, ' Waiting for the image of v7 and v8.'],
  ])('%s', (_, requested, given, waiting) => {
    const text = Object.entries(requested).map(([version, weight]) => `${version} ${weight} %`);
    expect(sayManual(world(given), split(requested), goal)).toEqual({
      ...{ phase: 'idle', reason: 'manual-weights', next: null },
      message: `Manual weights: ${text.join(', ')}; the strategy is suspended.${waiting}`,
    });
  });
});

describe('findMissingImage: why they cannot be had yet', () => {
  const failed: ImageState = {
    ...{ kind: 'failed', failure: 'network', message: 'no route' },
    ...{ attempts: 1, firstAt: NOW, retryAt: NOW + 3000 },
  };
  const said = (images: Given['images'] = {}) =>
    findMissingImage(world({ images }), split({ v1: 20, v7: 40, v8: 40 }));

  it('names the first version whose image failed, and when it is tried again', () => {
    expect(said({ 'weights-9-v8': failed })).toEqual({
      ...{ phase: 'invalid', reason: 'invalid-weights' },
      message: 'weights: v8 cannot run (network: no route); it is tried again. The split before stays.',
      next: { what: 'pull', at: NOW + 3000 },
    });
  });

  it.each<readonly [string, Given['images']]>([
    ['none was asked for yet', {}],
    ['one comes', { 'weights-9-v7': { kind: 'pulling', progress: '', changedAt: NOW } }],
    ['what runs needs none', { 'weights-9-v1': failed }],
  ])('nothing where %s', (_, images) => {
    expect(said(images)).toBeNull();
  });
});
