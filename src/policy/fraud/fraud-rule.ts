// A rule of fraud detection as the operator wrote it, and what one subject's past comes to for it.
import type { EpochMillis, Millis } from '../../core/clock.ts';
import type { NumberClass } from '../number-class.ts';
import type { FraudAction, FraudCall, FraudEvent, FraudKind } from './fraud-event.ts';
import type { KnownKind } from './fraud-store.ts';
import type { PriceTable } from './price-table.ts';
import { RecentValues, SlidingWindow } from './sliding-window.ts';

export interface FraudRule {
  readonly name: string;
  readonly kind: FraudKind;
  /** Undefined: it does not warn before it acts. */
  readonly warn: number | undefined;
  readonly act: number | undefined;
  readonly window: Millis;
  readonly actions: readonly FraudAction[];
  readonly mode: 'active' | 'shadow';
  /** How long a restriction holds. */
  readonly hold: Millis;
  /** What a call that was answered for less than this is: short. */
  readonly shortCall: Millis;
  /** Calls of these classes only; none named: of all, or of what the kind means by itself. */
  readonly classes: readonly NumberClass[];
}

/** Bounds of what one subject's past may weigh. */
export const maxRemembered = 64;

/** What one rule counts for one subject. Returns what the event came to, or undefined when it says nothing. */
export class Watch {
  readonly #rule: FraudRule;
  readonly #prices: PriceTable;
  // Made when there is something to count: most subjects never give most rules a reason.
  #sums: SlidingWindow | undefined;
  #recent: RecentValues | undefined;
  /** Running calls of the range, by their id. */
  #running: Map<string, string> | undefined;
  #lastNumber: string | undefined;
  #sequence = 0;
  #isLearned = false;

  constructor(rule: FraudRule, prices: PriceTable) {
    this.#rule = rule;
    this.#prices = prices;
  }

  take(event: FraudEvent): number | undefined {
    switch (event.type) {
      case 'registered':
        return this.#registered(event.at, event.source, event.country);
      case 'attempted':
        return this.#speaksOf(event.call) ? this.#attempted(event.at, event.call, event.admitted) : undefined;
      case 'ended':
        return this.#speaksOf(event.call) ? this.#ended(event.at, event.call, event.duration) : undefined;
      case 'known':
        if (knownTo[this.#rule.kind] !== event.of) return undefined;
        this.#values.add(event.at, event.value);
        this.#isLearned = true;
        return undefined;
      default:
        return event satisfies never;
    }
  }

  get #sum(): SlidingWindow {
    this.#sums ??= new SlidingWindow(this.#rule.window);
    return this.#sums;
  }

  get #values(): RecentValues {
    this.#recent ??= new RecentValues(this.#rule.window, maxRemembered);
    return this.#recent;
  }

  #speaksOf({ classes }: FraudCall): boolean {
    const named = this.#rule.classes;
    return named.length === 0 || named.some((one) => classes.includes(one));
  }

  #registered(at: EpochMillis, source: string, country: string | undefined): number | undefined {
    if (this.#rule.kind === 'registration-places') return this.#values.add(at, source);
    if (this.#rule.kind === 'new-source-country' && country !== undefined) return this.#newOf(at, country);
    return undefined;
  }

  #attempted(at: EpochMillis, call: FraudCall, admitted: boolean): number | undefined {
    const { kind } = this.#rule;
    if (kind === 'refused-attempts') return admitted ? undefined : this.#sum.add(at, 1);
    if (!admitted) return undefined;
    switch (kind) {
      case 'out-of-hours-calls':
        return call.isOutOfHours ? this.#sum.add(at, 1) : undefined;
      case 'foreign-calls':
        return isForeign(call) ? this.#sum.add(at, 1) : undefined;
      case 'new-country':
        return call.country === undefined ? undefined : this.#newOf(at, call.country);
      case 'sequential-numbers':
        return this.#sequential(call.number);
      case 'simultaneous-calls':
        return this.#begin(call.id, 'all');
      case 'premium-range':
        return call.classes.some((one) => one === 'premium-rate' || one === 'satellite')
          ? this.#begin(call.id, call.number.slice(0, -2))
          : undefined;
      default:
        return undefined;
    }
  }

  #ended(at: EpochMillis, call: FraudCall, duration: Millis): number | undefined {
    this.#running?.delete(call.id);
    if (duration <= 0) return undefined;
    switch (this.#rule.kind) {
      case 'short-calls':
        return duration < this.#rule.shortCall ? this.#sum.add(at, 1) : undefined;
      case 'foreign-minutes':
        return isForeign(call) ? this.#sum.add(at, duration / 60_000) : undefined;
      case 'spend':
        return this.#sum.add(at, (duration / 60_000) * this.#prices.perMinute(call.number));
      default:
        return undefined;
    }
  }

  /** How many new ones there were, beyond the first, which is what is normal for this subject. */
  #newOf(at: EpochMillis, value: string): number | undefined {
    const isKnown = this.#values.has(value);
    this.#values.add(at, value);
    const isFirst = !this.#isLearned;
    this.#isLearned = true;
    return isKnown || isFirst ? undefined : 1;
  }

  /** Numbers that differ from the one before by a little: a range is being tried. */
  #sequential(number: string): number | undefined {
    const last = this.#lastNumber;
    this.#lastNumber = number;
    const isNext = last?.length === number.length && last !== number && distance(last, number) <= closeBy;
    this.#sequence = isNext ? this.#sequence + 1 : 0;
    return isNext ? this.#sequence + 1 : undefined;
  }

  #begin(id: string, range: string): number {
    const running = this.#running ?? new Map<string, string>();
    this.#running = running;
    if (running.size < maxRunning) running.set(id, range);
    let count = 0;
    for (const one of running.values()) if (one === range) count += 1;
    return count;
  }
}

/** What of a process before the rules of each kind remember. */
const knownTo: Readonly<Partial<Record<FraudKind, KnownKind>>> = {
  'new-country': 'called-country',
  'new-source-country': 'source-country',
  'registration-places': 'source',
};

/** Running calls of one subject that are counted; thresholds are lower. */
export const maxRunning = 1_000;
/** Numbers this near are one after the other. */
const closeBy = 3;

function isForeign({ classes }: FraudCall): boolean {
  return classes.includes('international');
}

function distance(a: string, b: string): number {
  const tail = 9;
  if (a.slice(0, -tail) !== b.slice(0, -tail)) return Number.POSITIVE_INFINITY;
  const [left, right] = [Number(a.slice(-tail)), Number(b.slice(-tail))];
  return Number.isNaN(left) || Number.isNaN(right) ? Number.POSITIVE_INFINITY : Math.abs(left - right);
}
