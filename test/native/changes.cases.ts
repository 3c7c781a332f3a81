// A reload, one that is refused, another certificate and a drain are no break: calls that run hear nothing of them, connections that stand stay.
// `npm run soak -- changes` does the same to 200 calls and 1,000 connections.
import type { NativeCase } from './case.ts';
import { changesUnderCalls } from './support/changes.ts';

export const cases: readonly NativeCase[] = [
  {
    name: 'a reload, a watched file, a reload that is refused, a certificate under 1,000 connections and a drain take no call, and of the audio less than a thousandth',
    limitMs: 90_000,
    run: () =>
      changesUnderCalls({ calls: 20, connections: 1_000, drainSeconds: 10, tell: (line) => console.log(line) }),
  },
];
