// What fraud detection remembers when the SBC starts anew, and what an operator takes back.
import { describe, expect, test } from 'vitest';
import { formatCdr } from '../../src/cdr/cdr.ts';
import { pastEvents } from '../../src/compose/fraud/fraud-replay.ts';
import { fraudSettings } from '../../src/compose/fraud/fraud-settings.ts';
import type { FraudStore } from '../../src/policy/fraud/fraud-store.ts';
import { MemoryFraudStore } from '../support/memory-fraud-store.ts';
import { Scenario } from '../support/scenario.ts';
import { connect, hangUp } from '../support/scenario-calls.ts';
import { scenarioConfig } from '../support/scenario-config.ts';
import type { ScenarioPhone } from '../support/scenario-phone.ts';

const alice = 'user:alice@pbx.test';
const rule = (text: string, mode = 'active'): string =>
  `[numbers]\ncountry = "GB"\nextensions = ["6xx"]\n[fraud]\nmode = "${mode}"\n[[fraud.rule]]\nname = "watch"\n${text}`;
const abroad = (actions: string): string =>
  rule(`kind = "foreign-calls"\nact = 3\nwindow = "4h"\nhold = "1h"\nactions = [${actions}]`);

async function talk(s: Scenario, phone: ScenarioPhone, number: string): Promise<void> {
  await hangUp(await connect(s, phone, { uri: `sip:${number}@pbx.test` }));
}

async function refused(s: Scenario, phone: ScenarioPhone, number: string): Promise<void> {
  await (await phone.invite(number)).takeRefusal(403);
  s.pbx.expectNothing();
}

async function callsAbroad(s: Scenario, count: number): Promise<void> {
  for (let last = 0; last < count; last += 1) await talk(s, s.phone('alice'), `+3314268530${last}`);
}

/** The next process: with what the store kept, and with the records of the one before where it left some. */
function next(tables: string, fraudStore: FraudStore, before?: Scenario): Scenario {
  const s = new Scenario({ tables, fraudStore });
  s.scheduler.clock.move(1);
  const config = scenarioConfig({ tables });
  const settings = fraudSettings(config, 'scenario.toml');
  const lines = before?.records.map((record) => formatCdr(record, 'node')) ?? [];
  if (settings !== undefined) s.fraud.replay(pastEvents(settings, config, ['torn', ...lines.toReversed()]));
  return s;
}

describe('a restart', () => {
  test('is no amnesty: what was refused is refused until its time is over', async () => {
    const [tables, store] = [abroad('"refuse-class"'), new MemoryFraudStore()];
    const before = new Scenario({ tables, fraudStore: store });
    await callsAbroad(before, 3);
    await before.finish();
    const s = next(tables, store);
    await refused(s, s.phone('alice'), '+33142685309');
    await talk(s, s.phone('alice'), '+442071838750');
    await talk(s, s.phone('bob'), '+33142685309');
    await s.advance(3_600_000);
    await talk(s, s.phone('alice'), '+33142685309');
    await s.finish();
    expect(s.alerts).toEqual([]);
  });

  test('leaves a user of the configuration locked until somebody lifts it', async () => {
    const [tables, store] = [abroad('"lock-user"'), new MemoryFraudStore()];
    const before = new Scenario({ tables, fraudStore: store });
    await callsAbroad(before, 3);
    await before.finish();
    const s = next(tables, store);
    expect((await s.phone('alice').register()).status).not.toBe(200);
    expect(s.fraud.holds()).toMatchObject([{ subject: alice, action: 'lock', rule: 'watch', until: undefined }]);
    expect(s.fraud.lift(alice)).toHaveLength(1);
    expect((await s.phone('alice').register()).status).toBe(200);
    await s.finish();
    const last = next(tables, store);
    expect((await last.phone('alice').register()).status).toBe(200);
    await last.finish();
  });

  test('goes on counting: calls before it and after it reach the threshold together', async () => {
    const [tables, store] = [abroad('"refuse-class"'), new MemoryFraudStore()];
    const before = new Scenario({ tables, fraudStore: store });
    await callsAbroad(before, 2);
    await before.finish();
    const s = next(tables, store, before);
    expect(s.alerts).toEqual([]);
    await talk(s, s.phone('alice'), '+33142685308');
    await refused(s, s.phone('alice'), '+33142685309');
    await s.finish();
    expect(s.alerts).toMatchObject([{ level: 'act', subject: alice }]);
  });

  test('does nothing twice: what was lifted stays lifted, and nobody is told again', async () => {
    const [tables, store] = [abroad('"refuse-class"'), new MemoryFraudStore()];
    const before = new Scenario({ tables, fraudStore: store });
    await callsAbroad(before, 3);
    expect(before.fraud.lift(alice)).toMatchObject([{ rule: 'watch', of: 'international' }]);
    expect(before.fraud.lift(alice)).toEqual([]);
    await talk(before, before.phone('alice'), '+33142685309');
    await before.finish();
    const s = next(tables, store, before);
    await talk(s, s.phone('alice'), '+33142685309');
    await s.finish();
    expect([s.fraud.holds(), s.alerts]).toEqual([[], []]);
  });

  test('makes no country new that was called before, and one that was not still is', async () => {
    const tables = rule('kind = "new-country"\nact = 1\nwindow = "30d"');
    const store = new MemoryFraudStore();
    const before = new Scenario({ tables, fraudStore: store });
    await talk(before, before.phone('alice'), '+33142685300');
    await talk(before, before.phone('alice'), '+34911234567');
    await before.finish();
    const s = next(tables, store);
    await talk(s, s.phone('alice'), '+33142685300');
    await talk(s, s.phone('alice'), '+34911234567');
    expect(s.alerts).toEqual([]);
    await talk(s, s.phone('alice'), '+39061234567');
    await s.finish();
    expect(s.alerts).toMatchObject([{ level: 'act', subject: alice }]);
  });

  test('with a rule that is in shadow by now, or gone, refuses nothing', async () => {
    const store = new MemoryFraudStore();
    const before = new Scenario({ tables: abroad('"refuse-class"'), fraudStore: store });
    await callsAbroad(before, 3);
    await before.finish();
    const s = next(rule('kind = "foreign-calls"\nact = 9', 'shadow'), store);
    await talk(s, s.phone('alice'), '+33142685309');
    await s.finish();
    expect(store.holds(0)).toEqual([]);
  });
});

test('a store that fails is said, and costs no call', async () => {
  class Broken extends MemoryFraudStore {
    override keep(): void {
      throw new Error('the disk is full');
    }

    override learn(): void {
      throw new Error('the disk is full');
    }
  }
  const more = '\n[[fraud.rule]]\nname = "countries"\nkind = "new-country"\nact = 1';
  const s = new Scenario({ tables: `${abroad('"refuse-class"')}${more}`, fraudStore: new Broken() });
  await callsAbroad(s, 3);
  await refused(s, s.phone('alice'), '+33142685309');
  await s.advance(10_000);
  await s.finish({ errors: ['fraud-not-kept'] });
  expect(s.logged.filter(({ event }) => event === 'fraud-not-kept')).toHaveLength(2);
});
