// The recreate strategy, as its user sees it: on a real engine, a real etcd and the real daemon, under load.
import { describe } from 'vitest';
import { describeStrategy } from './strategy-suite.ts';

describe('recreate', () => describeStrategy('recreate'));
