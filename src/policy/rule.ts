// A rule that the operator wrote: these calls may be made, those may not. The first that matches decides.
import { type HoursCondition, holds, type LocalTime, type LocalTimeIn, timeText } from './calling-hours.ts';
import { type CallTraits, type Selector, SelectorIndex } from './selector.ts';
import type { Refusal, RuleTrace } from './verdict.ts';

export interface Rule {
  readonly name: string;
  readonly action: 'allow' | 'deny';
  readonly selector: Selector;
  /** When it speaks. */
  readonly hours: HoursCondition | undefined;
}

export class Rules {
  readonly #index: SelectorIndex<Rule>;

  constructor(rules: readonly Rule[]) {
    this.#index = new SelectorIndex(rules);
  }

  /** Notes each rule that was asked. Undefined when the call may be made: a rule allows it, or none speaks of it. */
  ask(call: CallTraits, localTime: LocalTimeIn, trace: RuleTrace[]): Refusal | undefined {
    for (const rule of this.#index.matching(call)) {
      const { name, action, hours } = rule;
      const at = hours === undefined ? undefined : localTime(hours.schedule.zone);
      const input = inputOf(call, rule, at);
      if (hours !== undefined && at !== undefined && !holds(hours, at)) {
        trace.push({ rule: `rule ${name}`, input, answer: `pass: not while ${hours.schedule.name} is ${hours.when}` });
        continue;
      }
      trace.push({ rule: `rule ${name}`, input, answer: action });
      return action === 'allow' ? undefined : denied(name, input);
    }
    return undefined;
  }
}

function inputOf({ number, country, classes }: CallTraits, { hours }: Rule, at: LocalTime | undefined): string {
  const time = hours === undefined || at === undefined ? '' : `, ${timeText(at)} ${hours.schedule.zone}`;
  return `${number} (${[...(country === undefined ? [] : [country]), ...classes].join(', ')})${time}`;
}

function denied(name: string, input: string): Refusal {
  return { code: 'rule-denied', status: 403, text: 'Not allowed', detail: `rule ${name} denies ${input}` };
}
