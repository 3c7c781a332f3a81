// What a decision costs: decide, reserve and release in one process on one core, with users and rules by the thousand and the
// hundred. Needs no peers. Two stores: memory alone, and with the talking time of a daily
// budget written to SQLite before each call, by the thread of the store, for as many calls as come at the same time.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/core/clock.ts';
import type { CallLimit } from '../../src/policy/call-limit.ts';
import { type AttemptFacts, PolicyEngine } from '../../src/policy/policy-engine.ts';
import type { Rule } from '../../src/policy/rule.ts';
import type { Selector } from '../../src/policy/selector.ts';
import type { BudgetLedger } from '../../src/store/budget-ledger.ts';
import { MemoryReservationStore } from '../../src/store/memory/reservation-store.ts';
import { openIn } from '../lib/bench-store.ts';
import type { PolicyPlan } from '../lib/plan.ts';
import { type Summary, summarise } from '../lib/statistics.ts';

export interface PolicyFigures {
  readonly rules: number;
  readonly memory: readonly { readonly users: number; readonly perSecond: Summary }[];
  /** Decisions a second with the fewest users by those with the most, in each run: 1 is flat. */
  readonly growth: Summary;
  readonly sqlite: { readonly users: number; readonly perSecond: Summary };
}

export interface PolicySuiteOptions extends PolicyPlan {
  /** Whether there is time for another round. */
  readonly another: (done: number) => boolean;
  readonly progress: (line: string) => void;
}

const rules = 200;
const fewUsers = 1_000;
const manyUsers = 50_000;
/** Calls that run at once, each of another user. */
const callsAtOnce = 500;

export async function policySuite({ runs, seconds, another, progress }: PolicySuiteOptions): Promise<PolicyFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-policy-'));
  const stores = await openIn(folder);
  try {
    const few = benchOf(fewUsers, [], undefined);
    const many = benchOf(manyUsers, [], undefined);
    const kept = benchOf(manyUsers, [dailyMinutes], stores.budgets);
    for (const bench of [few, many, kept]) await bench(0.3);
    const rates: { readonly few: number; readonly many: number; readonly kept: number }[] = [];
    for (let run = 0; run < runs && another(run); run += 1) {
      const first = run % 2 === 0 ? await few(seconds) : undefined;
      const large = await many(seconds);
      const rate = { few: first ?? (await few(seconds)), many: large, kept: await kept(seconds) };
      rates.push(rate);
      const [a, b, c] = [rate.few, rate.many, rate.kept].map(Math.round);
      progress(`policy run ${run + 1}: ${a}/s with ${fewUsers} users, ${b}/s with ${manyUsers}, ${c}/s with SQLite`);
    }
    return {
      rules,
      memory: [
        { users: fewUsers, perSecond: summarise(rates.map((rate) => rate.few)) },
        { users: manyUsers, perSecond: summarise(rates.map((rate) => rate.many)) },
      ],
      growth: summarise(rates.map((rate) => rate.few / rate.many)),
      sqlite: { users: manyUsers, perSecond: summarise(rates.map((rate) => rate.kept)) },
    };
  } finally {
    await stores.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

const everything: Selector = {
  users: [],
  groups: [],
  trunks: [],
  to: [],
  countries: [],
  classes: [],
  callerIds: [],
  direction: 'both',
};

/** A tenth of the rules each: of users, groups, prefixes, countries …; the last allows everything. */
const siteRules: readonly Rule[] = Array.from({ length: rules }, (_, n): Rule => {
  const name = `rule-${n}`;
  if (n === rules - 1) return { name, action: 'allow', selector: everything, hours: undefined };
  const selectors: readonly Partial<Selector>[] = [
    { users: [`user${n}@pbx.test`], to: ['+88*'] },
    { groups: [`group${n}`] },
    { to: [`+88${n}*`] },
    { countries: ['FR'], users: [`user${n}@pbx.test`] },
    { classes: ['premium-rate'] },
  ];
  return { name, action: 'deny', selector: { ...everything, ...selectors[n % selectors.length] }, hours: undefined };
});

const dailyMinutes: CallLimit = {
  name: 'day',
  per: 'user',
  selector: everything,
  concurrentCalls: undefined,
  callsPerMinute: undefined,
  dailyTime: 86_400_000,
  monthlyTime: undefined,
  maxCallDuration: undefined,
  zone: 'UTC',
};

type Bench = (seconds: number) => Promise<number>;

/** Decisions a second: each decides, reserves, and releases what was reserved `callsAtOnce` decisions before. */
function benchOf(users: number, limits: readonly CallLimit[], ledger: BudgetLedger | undefined): Bench {
  const bounds = { maxCallDuration: 7_200_000, ringTimeout: 180_000, earlyMediaTimeout: 60_000 };
  const node = { ...bounds, concurrentCalls: 10_000, emergencyCalls: 10, emergencyPorts: 40 };
  const engine = new PolicyEngine(node, { rules: siteRules, limits });
  const store = new MemoryReservationStore(systemClock, ledger);
  const callers = Array.from({ length: users }, (_, n) => `user${n}@pbx.test`);
  let next = 0;
  const one = async (): Promise<void> => {
    const number = next;
    next += 1;
    // A step that is prime to the number of users: neighbours in time are none in memory.
    const verdict = engine.decide(factsOf(callers[(number * 7_919) % users] ?? '', number));
    if (verdict.kind === 'refuse') throw new Error(`refused: ${verdict.refusal.detail}`);
    const outcome = await store.reserve(`call-${number}`, verdict.claims);
    if (outcome.kind !== 'granted') throw new Error('no slot was left');
    if (number >= callsAtOnce) await store.release(`call-${number - callsAtOnce}`, undefined, 60_000);
  };
  return async (seconds) => {
    const begin = performance.now();
    let done = 0;
    while (performance.now() - begin < seconds * 1_000) {
      // What is written is waited for: others decide meanwhile.
      if (ledger !== undefined) await Promise.all(Array.from({ length: 200 }, one));
      else for (let n = 0; n < 200; n += 1) await one();
      done += 200;
    }
    return (done * 1_000) / (performance.now() - begin);
  };

  function factsOf(name: string, number: number): AttemptFacts {
    const canonical = `+4420${String(number % 10_000_000).padStart(7, '0')}`;
    return {
      caller: { kind: 'user', name, limits: { ...bounds, concurrentCalls: 4, direction: 'both' } },
      callee: { kind: 'pbx', name: 'main', limits: undefined },
      call: {
        number: { kind: 'number', canonical, country: 'GB', classes: ['national'] },
        callerId: name,
        charge: undefined,
        at: monday,
        localTime: () => ({ year: 2026, month: 1, day: 5, weekday: 1, minute: 600 }),
        restrictions: () => [],
        freePorts: 10_000,
      },
    };
  }
}

const monday = Date.UTC(2026, 0, 5, 10);
