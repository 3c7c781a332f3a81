// A process that relays is killed in the middle of a stream, and another goes on with the same ports and keys.
import { randomInt } from 'node:crypto';
import { driverNames } from '../../src/media/packet-io/packet-io.ts';
import { SeededRandom } from '../support/fake-time.ts';
import { check, checkEqual, type NativeCase } from './case.ts';
import { killRound } from './support/kill-round.ts';

const kills = 2;
const seed = Number(process.env['PORTCULLIS_SEED'] ?? randomInt(0x7fff_ffff));

export const cases: readonly NativeCase[] = [
  ...driverNames.map(
    (driver, place): NativeCase => ({
      name: `${driver}: a process that is killed mid-stream is followed by one that uses no index twice (RFC 3711 §9.1)`,
      limitMs: 90_000,
      run: async () => {
        const random = new SeededRandom(seed + place);
        const outcome = await killRound({ driver, random, kills, keepsLedger: true });
        const said = `seed ${seed}: ${JSON.stringify(outcome)}`;
        checkEqual(
          [outcome.reused, outcome.refused, outcome.silentLives],
          [0, 0, 0],
          `reused, refused, silent; ${said}`,
        );
        checkEqual(new Set(outcome.ports).size, 1, `ports; ${said}`);
        checkEqual(outcome.ssrcs, 1, `SSRCs at the phone; ${said}`);
      },
    }),
  ),
  {
    name: 'without its ledger the next process sends under a fresh SSRC',
    limitMs: 90_000,
    run: async () => {
      const outcome = await killRound({ driver: 'auto', random: new SeededRandom(seed), kills, keepsLedger: false });
      const said = `seed ${seed}: ${JSON.stringify(outcome)}`;
      checkEqual([outcome.reused, outcome.silentLives], [0, 0], `reused, silent; ${said}`);
      check(outcome.ssrcs === kills + 1, `SSRCs at the phone; ${said}`);
    },
  },
];
