// All stories of outages, and those of which every run of the tests plays a sample.
import type { Outage } from './outage.ts';
import { CLUSTER_OUTAGES } from './outage-cluster.ts';
import { ENGINE_OUTAGES } from './outage-engine.ts';
import { ETCD_OUTAGES } from './outage-etcd.ts';
import { HOST_OUTAGES } from './outage-host.ts';

export const OUTAGES: readonly Outage[] = [
  ...[...ETCD_OUTAGES, ...CLUSTER_OUTAGES],
  ...[...ENGINE_OUTAGES, ...HOST_OUTAGES],
];
export const SAMPLED = OUTAGES.filter(({ isSpared }) => isSpared !== true);
