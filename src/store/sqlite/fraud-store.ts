// What fraud detection holds against whom, and what it knows of subjects, so that a restart is neither an amnesty nor a false alarm.
import type { EpochMillis } from '../../core/clock.ts';
import { SbcError } from '../../core/errors.ts';
import type { FraudStore, KnownKind, KnownValue } from '../../policy/fraud/fraud-store.ts';
import type { Hold } from '../../policy/fraud/holds.ts';
import type { NumberClass } from '../../policy/number-class.ts';
import { mostKnown } from '../most-known.ts';
import type { StateDatabase } from './database.ts';
import { number, text } from './row.ts';

export class SqliteFraudStore implements FraudStore {
  readonly #database: StateDatabase;
  readonly #mostKnown: number;
  readonly #trimHolds;
  readonly #holds;
  readonly #keep;
  readonly #forget;
  readonly #known;
  readonly #learn;
  readonly #trim;
  readonly #trimTo;

  constructor(database: StateDatabase, most = mostKnown) {
    this.#database = database;
    this.#mostKnown = most;
    this.#trimHolds = database.prepare('DELETE FROM fraud_hold WHERE until <= ?');
    this.#holds = database.prepare('SELECT subject, action, class, rule, since, until FROM fraud_hold ORDER BY since');
    this.#keep = database.prepare(
      'INSERT OR REPLACE INTO fraud_hold (subject, action, class, rule, since, until) VALUES (?, ?, ?, ?, ?, ?)',
    );
    this.#forget = database.prepare('DELETE FROM fraud_hold WHERE subject = ? AND action = ? AND class = ?');
    this.#known = database.prepare('SELECT subject, kind, value, at FROM fraud_known ORDER BY at');
    this.#learn = database.prepare('INSERT OR REPLACE INTO fraud_known (subject, kind, value, at) VALUES (?, ?, ?, ?)');
    this.#trim = database.prepare('DELETE FROM fraud_known WHERE at < ?');
    this.#trimTo = database.prepare(
      'DELETE FROM fraud_known WHERE at <= (SELECT at FROM fraud_known ORDER BY at DESC LIMIT 1 OFFSET ?)',
    );
  }

  holds(now: EpochMillis): readonly Hold[] {
    this.#trimHolds.run(Math.round(now));
    return this.#holds.all().map((row): Hold => {
      const until = row['until'];
      return {
        subject: text(row, 'subject'),
        action: oneOf(Object.values(actions), text(row, 'action')),
        of: classOf(text(row, 'class')),
        rule: text(row, 'rule'),
        since: number(row, 'since'),
        until: until === null ? undefined : number(row, 'until'),
      };
    });
  }

  keep({ subject, action, of, rule, since, until }: Hold): void {
    const end = until === undefined ? null : Math.round(until);
    this.#keep.run(subject, action, of ?? '', rule, Math.round(since), end);
  }

  forget({ subject, action, of }: Hold): void {
    this.#forget.run(subject, action, of ?? '');
  }

  known(): readonly KnownValue[] {
    return this.#known.all().map((row) => ({
      subject: text(row, 'subject'),
      of: oneOf(Object.values(knownKinds), text(row, 'kind')),
      value: text(row, 'value'),
      at: number(row, 'at'),
    }));
  }

  learn(values: readonly KnownValue[], oldest: EpochMillis): void {
    this.#database.transaction(() => {
      for (const { subject, of, value, at } of values) this.#learn.run(subject, of, value, Math.round(at));
      this.#trim.run(Math.round(oldest));
      this.#trimTo.run(this.#mostKnown);
    });
  }
}

// Each value under its own name, so that none is forgotten here.
const actions = { refuse: 'refuse', lock: 'lock' } as const satisfies { [T in Hold['action']]: T };
const knownKinds = {
  'called-country': 'called-country',
  source: 'source',
  'source-country': 'source-country',
} as const satisfies { [T in KnownKind]: T };
const numberClasses = {
  emergency: 'emergency',
  'premium-rate': 'premium-rate',
  'shared-cost': 'shared-cost',
  'toll-free': 'toll-free',
  satellite: 'satellite',
  mobile: 'mobile',
  national: 'national',
  international: 'international',
  internal: 'internal',
  unknown: 'unknown',
} as const satisfies { [T in NumberClass]: T };

function classOf(value: string): NumberClass | undefined {
  return value === '' ? undefined : oneOf(Object.values(numberClasses), value);
}

function oneOf<T extends string>(known: readonly T[], value: string): T {
  const found = known.find((one) => one === value);
  if (found !== undefined) return found;
  throw new SbcError('database-damaged', `fraud detection: expected one of ${known.join(', ')}, got "${value}"`);
}
