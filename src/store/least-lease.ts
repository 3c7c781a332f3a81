// A budget that has less than this left is used up: a call of no length is none.
import type { Millis } from '../core/clock.ts';

export const leastLease: Millis = 1_000;
