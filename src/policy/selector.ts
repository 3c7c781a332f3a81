// Which calls a rule or a limit speaks of: who is charged, where to, which way. An index finds the few that may match, so that
// a decision costs the same with two rules and with two hundred.
import type { NumberClass } from './number-class.ts';

export type CallDirection = 'out' | 'in';

export interface Selector {
  /** Anyone of these; with none named, everyone. */
  readonly users: readonly string[];
  readonly groups: readonly string[];
  readonly trunks: readonly string[];
  /** Prefixes of the canonical number, `+882*`, or whole numbers. */
  readonly to: readonly string[];
  readonly countries: readonly string[];
  readonly classes: readonly NumberClass[];
  /** What the caller shows: prefixes, whole numbers or names, `anonymous`. */
  readonly callerIds: readonly string[];
  readonly direction: CallDirection | 'both';
}

/** A call as selectors see it. */
export interface CallTraits {
  readonly direction: CallDirection;
  readonly user: string | undefined;
  readonly group: string | undefined;
  readonly trunks: readonly string[];
  readonly number: string;
  readonly country: string | undefined;
  readonly classes: readonly NumberClass[];
  readonly callerId: string;
}

interface Selecting {
  readonly selector: Selector;
}

interface Entry<T> {
  readonly order: number;
  readonly item: T;
}

export class SelectorIndex<T extends Selecting> {
  /** By subject: `user:…`, `group:…`, `trunk:…`, or `*`. */
  readonly #subjects = new Map<string, Destinations<T>>();

  constructor(items: readonly T[]) {
    for (const [order, item] of items.entries()) {
      for (const subject of subjectsOf(item.selector)) {
        const destinations = this.#subjects.get(subject) ?? new Destinations<T>();
        this.#subjects.set(subject, destinations);
        destinations.add({ order, item });
      }
    }
  }

  /** Those that match, in the order in which they were given, each once. */
  matching(call: CallTraits): readonly T[] {
    if (this.#subjects.size === 0) return none;
    const found: Entry<T>[] = [];
    this.#subjects.get('*')?.find(call, found);
    if (call.user !== undefined) this.#subjects.get(`user:${call.user}`)?.find(call, found);
    if (call.group !== undefined) this.#subjects.get(`group:${call.group}`)?.find(call, found);
    for (const trunk of call.trunks) this.#subjects.get(`trunk:${trunk}`)?.find(call, found);
    if (found.length > 1) found.sort((a, b) => a.order - b.order);
    const items: T[] = [];
    let last = -1;
    for (const { order, item } of found) {
      if (order !== last && matches(item.selector, call)) items.push(item);
      last = order;
    }
    return items;
  }
}

const none: readonly never[] = [];

/** Filed once, under the narrowest thing that is asked of the number: whole and prefix, country, class, or nothing. */
class Destinations<T> {
  readonly #numbers = new Map<string, Entry<T>[]>();
  readonly #countries = new Map<string, Entry<T>[]>();
  readonly #classes = new Map<NumberClass, Entry<T>[]>();
  readonly #any: Entry<T>[] = [];
  #longest = 0;

  add(entry: Entry<T & Selecting>): void {
    const { to, countries, classes } = entry.item.selector;
    if (to.length > 0) for (const pattern of to) this.#addNumber(pattern, entry);
    else if (countries.length > 0) for (const country of countries) put(this.#countries, country, entry);
    else if (classes.length > 0) for (const one of classes) put(this.#classes, one, entry);
    else this.#any.push(entry);
  }

  find({ number, country, classes }: CallTraits, found: Entry<T>[]): void {
    found.push(...this.#any);
    for (const one of classes) append(found, this.#classes.get(one));
    if (country !== undefined) append(found, this.#countries.get(country));
    if (this.#numbers.size === 0) return;
    append(found, this.#numbers.get(number));
    for (let length = Math.min(number.length, this.#longest); length >= 0; length -= 1) {
      append(found, this.#numbers.get(`${number.slice(0, length)}*`));
    }
  }

  #addNumber(pattern: string, entry: Entry<T>): void {
    put(this.#numbers, pattern, entry);
    if (pattern.endsWith('*')) this.#longest = Math.max(this.#longest, pattern.length - 1);
  }
}

function put<K, T>(map: Map<K, Entry<T>[]>, key: K, entry: Entry<T>): void {
  const entries = map.get(key);
  if (entries === undefined) map.set(key, [entry]);
  else entries.push(entry);
}

function append<T>(found: T[], more: readonly T[] | undefined): void {
  if (more !== undefined) for (const one of more) found.push(one);
}

function subjectsOf({ users, groups, trunks }: Selector): readonly string[] {
  const subjects = [
    ...users.map((name) => `user:${name}`),
    ...groups.map((name) => `group:${name}`),
    ...trunks.map((name) => `trunk:${name}`),
  ];
  return subjects.length === 0 ? ['*'] : [...new Set(subjects)];
}

/** What the index did not ask: every key that is given must hold, by any of its values. */
function matches(selector: Selector, call: CallTraits): boolean {
  const { direction, to, countries, classes, callerIds } = selector;
  if (direction !== 'both' && direction !== call.direction) return false;
  if (to.length > 0 && !to.some((pattern) => matchesPattern(pattern, call.number))) return false;
  if (countries.length > 0 && (call.country === undefined || !countries.includes(call.country))) return false;
  if (classes.length > 0 && !classes.some((one) => call.classes.includes(one))) return false;
  return callerIds.length === 0 || callerIds.some((pattern) => matchesPattern(pattern, call.callerId));
}

export function matchesPattern(pattern: string, text: string): boolean {
  return pattern.endsWith('*') ? text.startsWith(pattern.slice(0, -1)) : text === pattern;
}
