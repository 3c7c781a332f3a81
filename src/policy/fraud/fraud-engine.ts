// Detection of fraud: rules over what each user, trunk and PBX did of late. Pure: events in, findings and actions out. Its memory
// is bounded: so many subjects, the one that was silent for longest is forgotten first.
import type { EpochMillis } from '../../core/clock.ts';
import type { NumberClass } from '../number-class.ts';
import type { FraudCall, FraudEvent, FraudFinding, FraudOutput } from './fraud-event.ts';
import { type FraudRule, Watch } from './fraud-rule.ts';
import type { PriceTable } from './price-table.ts';

const defaultMaxSubjects = 100_000;

interface Subject {
  readonly watches: readonly Watch[];
  readonly running: Set<string>;
  /** Level that was told last, and when, by rule: the same is not told again within the window. */
  readonly told: Map<string, { readonly level: 'warn' | 'act'; readonly at: EpochMillis }>;
  /** Where it was last, when that is proven. */
  address: string | undefined;
}

export class FraudEngine {
  readonly #rules: readonly FraudRule[];
  readonly #prices: PriceTable;
  readonly #maxSubjects: number;
  readonly #subjects = new Map<string, Subject>();

  constructor(rules: readonly FraudRule[], prices: PriceTable, maxSubjects = defaultMaxSubjects) {
    this.#rules = rules;
    this.#prices = prices;
    this.#maxSubjects = maxSubjects;
  }

  handle(event: FraudEvent): readonly FraudOutput[] {
    const call = callOf(event);
    // An emergency call is never held against anybody, nor ended.
    if (call?.classes.includes('emergency') === true) return none;
    const name = 'call' in event ? event.call.subject : event.subject;
    const subject = this.#subject(name);
    if (event.type === 'known') {
      for (const watch of subject.watches) watch.take(event);
      return none;
    }
    if (event.type === 'ended') subject.running.delete(event.call.id);
    else subject.address = event.address ?? subject.address;
    if (event.type === 'attempted' && event.admitted && subject.running.size < maxRunningKept) {
      subject.running.add(event.call.id);
    }
    const outputs: FraudOutput[] = [];
    for (const [index, rule] of this.#rules.entries()) {
      const value = subject.watches[index]?.take(event);
      if (value !== undefined) outputs.push(...this.#judge(rule, name, subject, event, value));
    }
    return outputs;
  }

  get subjects(): number {
    return this.#subjects.size;
  }

  #subject(name: string): Subject {
    const known = this.#subjects.get(name);
    const subject: Subject = known ?? {
      watches: this.#rules.map((rule) => new Watch(rule, this.#prices)),
      running: new Set(),
      told: new Map(),
      address: undefined,
    };
    // The end of the map is who was heard of last.
    this.#subjects.delete(name);
    this.#subjects.set(name, subject);
    if (this.#subjects.size > this.#maxSubjects) {
      for (const oldest of this.#subjects.keys()) {
        this.#subjects.delete(oldest);
        break;
      }
    }
    return subject;
  }

  #judge(rule: FraudRule, name: string, subject: Subject, event: LiveEvent, value: number): readonly FraudOutput[] {
    const level = reaches(value, rule.act) ? 'act' : reaches(value, rule.warn) ? 'warn' : undefined;
    if (level === undefined) return none;
    const told = subject.told.get(rule.name);
    const isOld = told === undefined || told.at <= event.at - rule.window;
    if (!isOld && (told.level === 'act' || level === 'warn')) return none;
    subject.told.set(rule.name, { level, at: event.at });
    const call = callOf(event);
    const finding = findingOf(rule, name, level, event, value);
    const outputs: FraudOutput[] = [{ type: 'alert', finding }];
    if (level === 'act' && rule.mode === 'active') outputs.push(...this.#act(rule, name, subject, call, event.at));
    return outputs;
  }

  #act(
    rule: FraudRule,
    name: string,
    subject: Subject,
    call: FraudCall | undefined,
    at: EpochMillis,
  ): readonly FraudOutput[] {
    return rule.actions.flatMap((action): readonly FraudOutput[] => {
      switch (action) {
        case 'refuse-class':
          return [restriction(rule, name, call === undefined ? undefined : classHeld(rule, call), at)];
        case 'refuse-all':
          return [restriction(rule, name, undefined, at)];
        case 'end-calls':
          return [{ type: 'end-calls', subject: name, calls: [...subject.running], rule: rule.name }];
        case 'lock-user':
          return name.startsWith('user:') ? [{ type: 'lock-user', subject: name, rule: rule.name }] : [];
        case 'ban-source':
          return subject.address === undefined
            ? []
            : [{ type: 'ban-source', source: subject.address, rule: rule.name }];
        default:
          return action satisfies never;
      }
    });
  }
}

const maxRunningKept = 1_000;
const none: readonly never[] = [];

/** What happens, beside what is only remembered. */
type LiveEvent = Exclude<FraudEvent, { readonly type: 'known' }>;

function callOf(event: FraudEvent): FraudCall | undefined {
  return 'call' in event ? event.call : undefined;
}

function restriction(
  { name, hold }: FraudRule,
  subject: string,
  of: NumberClass | undefined,
  at: EpochMillis,
): FraudOutput {
  return { type: 'restrict', subject, of, rule: name, since: at, until: at + hold };
}

function reaches(value: number, threshold: number | undefined): boolean {
  return threshold !== undefined && value >= threshold;
}

/** What is refused after a call: what the rule is about, else what is telling about the number. */
function classHeld({ classes }: FraudRule, call: FraudCall): NumberClass | undefined {
  const named = classes.find((one) => call.classes.includes(one));
  if (named !== undefined) return named;
  const [first] = call.classes;
  const isCostly = first === 'premium-rate' || first === 'satellite';
  return call.classes.includes('international') && !isCostly ? 'international' : first;
}

function findingOf(
  rule: FraudRule,
  subject: string,
  level: 'warn' | 'act',
  event: LiveEvent,
  value: number,
): FraudFinding {
  const threshold = (level === 'act' ? rule.act : rule.warn) ?? 0;
  const rounded = Math.round(value * 100) / 100;
  const about = event.type === 'registered' ? `source ${event.source}` : `call to ${event.call.number}`;
  const detail = `${rule.kind}: ${rounded} of ${threshold} within ${rule.window / 60_000} min, last ${about}`;
  const isShadow = rule.mode === 'shadow';
  return {
    rule: rule.name,
    kind: rule.kind,
    subject,
    level,
    at: event.at,
    value: rounded,
    threshold,
    detail,
    actions: level === 'act' ? rule.actions : none,
    isShadow,
  };
}
