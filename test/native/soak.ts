// npm run soak -- media [--minutes N] [--calls N]     calls with random set-up, hold, rekey and tear-down
// npm run soak -- sessions [--count N]                sessions opened and closed
// npm run soak -- kill [--rounds N]                   a relay killed mid-stream, and followed by another
// npm run soak -- survive [--rounds N] [--calls N]    an SBC killed and upgraded at random moments, with running calls
// npm run soak -- changes [--calls N]                 reloads, another certificate and a drain while calls talk
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { SeededRandom } from '../support/fake-time.ts';
import { checkEqual } from './case.ts';
import { changesUnderCalls } from './support/changes.ts';
import { killRound } from './support/kill-round.ts';
import { withPlane } from './support/plane.ts';
import { soakCalls, soakSessions } from './support/soak.ts';
import { surviveSoak } from './support/survive-soak.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: 'string', default: '30' },
    calls: { type: 'string' },
    count: { type: 'string', default: '200000' },
    rounds: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(randomInt(0x7fff_ffff)) },
  },
});
const random = new SeededRandom(Number(values.seed));
const tell = (line: string): void => console.log(line);
const quiet = { quarantine: 0, timeout: 0 };
tell(`seed ${values.seed}`);

switch (positionals[0]) {
  case 'media': {
    const life = { calls: Number(values.calls ?? 300), seconds: 60 * Number(values.minutes), random };
    await withPlane(quiet, (plane) => soakCalls(plane, life, tell));
    break;
  }
  case 'sessions':
    await withPlane(quiet, (plane) => soakSessions(plane, Number(values.count), tell));
    break;
  case 'kill':
    for (let round = 1; round <= Number(values.rounds); round += 1) {
      const outcome = await killRound({ driver: 'auto', random, kills: 4, keepsLedger: round % 4 !== 0 });
      tell(`round ${round}: ${JSON.stringify(outcome)}`);
      checkEqual([outcome.reused, outcome.silentLives], [0, 0], 'reused, silent');
    }
    break;
  case 'changes':
    await changesUnderCalls({ calls: Number(values.calls ?? 200), connections: 1_000, drainSeconds: 40, tell });
    break;
  case 'survive': {
    const soak = { rounds: Number(values.rounds), calls: Number(values.calls ?? 30), random };
    tell(JSON.stringify(await surviveSoak(soak, tell)));
    break;
  }
  default:
    throw new Error(`expected media, sessions, kill, survive or changes, got "${positionals[0] ?? ''}"`);
}
