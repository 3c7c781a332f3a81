// A day of 100,000 synthetic call records with five planted frauds: all are found, and false alarms are counted and named.
import { describe, expect, test } from 'vitest';
import { FraudEngine } from '../../../../src/policy/fraud/fraud-engine.ts';
import type { FraudEvent, FraudFinding } from '../../../../src/policy/fraud/fraud-event.ts';
import { PriceTable } from '../../../../src/policy/fraud/price-table.ts';
import { usualFraudRules } from '../../../../src/policy/fraud/usual-rules.ts';
import { syntheticDay } from '../../../support/synthetic-day.ts';

const prices = new PriceTable(
  new Map([
    ['+44', 0.02],
    ['+882', 6],
    ['+371', 0.9],
    ['+252', 1.2],
  ]),
  0.3,
);

function findings(events: readonly FraudEvent[], engine = new FraudEngine(usualFraudRules, prices)): FraudFinding[] {
  const found: FraudFinding[] = [];
  for (const event of events) {
    for (const output of engine.handle(event)) if (output.type === 'alert') found.push(output.finding);
  }
  return found;
}

const acted = (found: readonly FraudFinding[]): ReadonlySet<string> =>
  new Set(found.filter(({ level }) => level === 'act').map(({ subject }) => subject));

/** Another day for each; the long form (`PORTCULLIS_LONG=1`) has ten. */
const seeds = [20_260_303, ...(process.env['PORTCULLIS_LONG'] === '1' ? [1, 2, 3, 4, 5, 6, 7, 8, 9] : [])];

describe.each(seeds)('a day of 100,000 calls with five frauds in it, of seed %i', (seed) => {
  const day = syntheticDay(seed, 100_000);
  const found = findings(day.events);
  const falseAlarms = found.filter(({ subject }) => !day.planted.has(subject));

  test.each([...day.planted])('%s is found: %s', (subject) => {
    expect(acted(found)).toContain(subject);
  });

  test('has no false action, and few false warnings, each with its rule', () => {
    const named = falseAlarms.map(({ subject, rule, level }) => `${level} ${rule} ${subject}`);
    expect(named.filter((one) => one.startsWith('act'))).toEqual([]);
    expect(named.length, named.join('\n')).toBeLessThanOrEqual(10);
  });

  test('is quiet where nothing was planted', () => {
    const normal = day.events.filter((event) => {
      const subject = 'call' in event ? event.call.subject : event.subject;
      return !day.planted.has(subject);
    });
    expect(acted(findings(normal)).size).toBe(0);
  });
});

test('what is remembered is bounded by the number of subjects, however many there are', () => {
  const engine = new FraudEngine(usualFraudRules, prices, 100);
  for (let index = 0; index < 5_000; index += 1) {
    engine.handle({ type: 'registered', at: index, subject: `user:${index}`, source: '192.0.2.1', country: undefined });
  }
  expect(engine.subjects).toBe(100);
});
