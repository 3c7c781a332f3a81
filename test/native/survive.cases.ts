// A few rounds of `npm run soak -- survive`.
import { randomInt } from 'node:crypto';
import { SeededRandom } from '../support/fake-time.ts';
import type { NativeCase } from './case.ts';
import { surviveSoak } from './support/survive-soak.ts';

const seed = Number(process.env['PORTCULLIS_SEED'] ?? randomInt(0x7fff_ffff));

export const cases: readonly NativeCase[] = [
  {
    name: 'an SBC that is killed and upgraded at random moments keeps its calls, caps and records',
    limitMs: 240_000,
    run: async () => {
      console.log(`seed ${seed}`);
      await surviveSoak({ rounds: 4, calls: 12, random: new SeededRandom(seed) }, (line) => console.log(line));
    },
  },
];
