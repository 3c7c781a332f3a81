// Rules of fraud detection for an office, for a site that names none of its own. What they come to in a day of normal calls,
// and what they find, is shown by test/unit/policy/fraud/fraud-day.test.ts.
import type { Millis } from '../../core/clock.ts';
import type { FraudAction, FraudKind } from './fraud-event.ts';
import type { FraudRule } from './fraud-rule.ts';

const minute: Millis = 60_000;
const hour: Millis = 3_600_000;
const day: Millis = 86_400_000;

export const usualFraudRules: readonly FraudRule[] = [
  usual('out-of-hours-calls', { warn: 6, act: 10, window: 8 * hour }, ['refuse-class']),
  usual('foreign-calls', { warn: 20, act: 40, window: hour }, ['refuse-class']),
  usual('new-source-country', { act: 1, window: 30 * day }, ['refuse-all']),
  usual('short-calls', { warn: 30, act: 60, window: hour }, ['refuse-class']),
  usual('sequential-numbers', { warn: 8, act: 15, window: hour }, ['refuse-class']),
  usual('premium-range', { warn: 2, act: 3, window: hour }, ['end-calls', 'refuse-class']),
  usual('simultaneous-calls', { warn: 8, act: 12, window: hour }, ['end-calls', 'refuse-all']),
  usual('foreign-minutes', { warn: 150, act: 300, window: day }, ['refuse-class']),
  usual('spend', { warn: 100, act: 250, window: day }, ['refuse-class']),
  usual('refused-attempts', { warn: 30, act: 60, window: 10 * minute }, ['refuse-all']),
  usual('registration-places', { warn: 5, act: 8, window: day }, ['lock-user']),
];

/** A rule of that kind with what is usual where the operator said nothing. */
export function usual(
  kind: FraudKind,
  { warn, act, window }: { readonly warn?: number; readonly act?: number; readonly window: Millis },
  actions: readonly FraudAction[],
): FraudRule {
  return {
    name: kind,
    kind,
    warn,
    act,
    window,
    actions,
    mode: 'active',
    hold: hour,
    shortCall: 6_000,
    classes: [],
  };
}
