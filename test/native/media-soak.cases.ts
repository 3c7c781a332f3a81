// Short forms of `npm run soak`.
import { randomInt } from 'node:crypto';
import { SeededRandom } from '../support/fake-time.ts';
import type { NativeCase } from './case.ts';
import { withPlane } from './support/plane.ts';
import { soakCalls, soakSessions } from './support/soak.ts';

const seed = Number(process.env['PORTCULLIS_SEED'] ?? randomInt(0x7fff_ffff));
const tell = (line: string): void => console.log(`seed ${seed}: ${line}`);

export const cases: readonly NativeCase[] = [
  {
    name: 'two thousand sessions are opened and closed without leaving a socket, a port or memory',
    limitMs: 60_000,
    run: () => withPlane({ quarantine: 0 }, (plane) => soakSessions(plane, 2_000, tell)),
  },
  {
    name: 'calls that are held, rekeyed and torn down at random count every packet',
    limitMs: 60_000,
    run: () =>
      withPlane({ quarantine: 0, timeout: 0 }, (plane) =>
        soakCalls(plane, { calls: 60, seconds: 8, random: new SeededRandom(seed) }, tell),
      ),
  },
];
