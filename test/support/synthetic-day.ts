// A day of call records of a site with 400 users, and five frauds in it. Seeded: the same day every time.
import type { FraudCall, FraudEvent } from '../../src/policy/fraud/fraud-event.ts';
import type { NumberClass } from '../../src/policy/number-class.ts';
import { SeededRandom } from './fake-time.ts';

export interface SyntheticDay {
  readonly events: readonly FraudEvent[];
  /** What was planted, by the subject that must be found. */
  readonly planted: ReadonlyMap<string, string>;
  readonly calls: number;
}

const users = 400;
const start = Date.UTC(2026, 2, 3);
const hour = 3_600_000;

/** `calls` records of normal life, and the frauds beside them. */
export function syntheticDay(seed: number, calls: number): SyntheticDay {
  const random = new SeededRandom(seed);
  const events: FraudEvent[] = [];
  let serial = 0;
  const call = (subject: string, at: number, seconds: number, number: string, kind: Partial<FraudCall> = {}): void => {
    serial += 1;
    const local = Math.floor((at - start) / hour);
    const classes: readonly NumberClass[] = kind.classes ?? ['national'];
    const isOutOfHours = local < 7 || local >= 20;
    const one: FraudCall = { country: 'GB', ...kind, id: `call-${serial}`, subject, number, classes, isOutOfHours };
    events.push({ type: 'attempted', at, call: one, admitted: true });
    events.push({ type: 'ended', at: at + seconds * 1_000, call: one, duration: seconds * 1_000 });
  };
  for (let index = 0; index < users; index += 1) {
    const at = start + 7 * hour + random.below(2 * hour);
    events.push({ type: 'registered', at, subject: `user:u${index}`, source: `192.0.2.${index % 16}`, country: 'GB' });
  }
  for (let index = 0; index < calls; index += 1) normalCall(random, call);

  // 1. Revenue share: satellite numbers at night.
  for (let index = 0; index < 12; index += 1) {
    const number = `+8821612345${600 + index * 7}`;
    const kind = { country: undefined, classes: ['satellite', 'international'] } as const;
    call('user:night', start + 2 * hour + index * 240_000, 600, number, kind);
  }
  // 2. A cracked account: thirty lines at once.
  for (let index = 0; index < 30; index += 1) {
    const number = `+2526${String(10_000_000 + random.below(9_000_000))}`;
    call('user:cracked', start + 11 * hour + index * 1_000, 900, number, {
      country: 'SO',
      classes: ['mobile', 'international'],
    });
  }
  // 3. Like Wangiri: hundreds of calls of a second or two, number after number.
  for (let index = 0; index < 300; index += 1) {
    call('user:wangiri', start + 14 * hour + index * 5_000, 1 + (index % 2), `+44740012${String(1_000 + index)}`, {
      classes: ['mobile', 'national'],
    });
  }
  // 4. A slow drip of foreign minutes, every hour, never many at once.
  for (let index = 0; index < 24; index += 1) {
    const kind = { country: 'LV', classes: ['international'] } as const;
    call(
      'user:drip',
      start + index * hour + 600_000,
      1_500,
      `+3716${String(1_000_000 + random.below(8_000_000))}`,
      kind,
    );
  }
  // 5. A registration from a country that this user never was in.
  events.push({ type: 'registered', at: start + 8 * hour, subject: 'user:moved', source: '192.0.2.9', country: 'GB' });
  events.push({
    type: 'registered',
    at: start + 16 * hour,
    subject: 'user:moved',
    source: '203.0.113.5',
    country: 'VN',
  });

  const planted = new Map([
    ['user:night', 'satellite numbers at night'],
    ['user:cracked', 'thirty lines at once'],
    ['user:wangiri', 'short calls to one number after the other'],
    ['user:drip', 'a slow drip of foreign minutes'],
    ['user:moved', 'a registration from a new country'],
  ]);
  return { events: events.toSorted((a, b) => a.at - b.at), planted, calls: serial };
}

/** Office hours for the most part, a few minutes long, now and then abroad, now and then at night. */
function normalCall(
  random: SeededRandom,
  call: (subject: string, at: number, seconds: number, number: string, kind?: Partial<FraudCall>) => void,
): void {
  const subject = `user:u${random.below(users)}`;
  const atNight = random.below(500) === 0;
  const at = start + (atNight ? random.below(24 * hour) : 8 * hour + random.below(10 * hour));
  const seconds = 5 + random.below(60) + random.below(3) * random.below(150);
  const kind = random.below(1_000);
  const digits = String(1_000_000 + random.below(8_999_999));
  if (kind < 20) call(subject, at, seconds, `+3314${digits}0`, { country: 'FR', classes: ['international'] });
  else if (kind < 300) call(subject, at, seconds, `+44740${digits}`, { classes: ['mobile', 'national'] });
  else call(subject, at, seconds, `+44207${digits}`);
}
