// Finding the addresses of a next hop (RFC 3263 §4): NAPTR, SRV, A and AAAA over an injected DNS. Answers are kept as long as
// their TTL says and we allow; one question for all who ask the same; every question has a deadline, and nobody else waits for it.
import { isIP } from 'node:net';
import type { Clock, Millis } from '../../core/clock.ts';
import type { Random } from '../../core/random.ts';
import type { Scheduler, Timer } from '../../core/scheduler.ts';
import type { HopLocator, Located, NextHop } from './hop-locator.ts';
import { HopPenalties } from './hop-penalties.ts';
import { defaultServiceName, inDrawnOrder, type NaptrRecord, type SrvRecord, serviceName } from './hop-selection.ts';

export type IpFamily = 4 | 6;

export interface AddressRecord {
  readonly address: string;
  readonly ttlSeconds: number;
}

/** Each rejects, or answers with an empty list, when there is nothing of the kind. */
export interface DnsLookup {
  naptr(name: string): Promise<readonly NaptrRecord[]>;
  srv(name: string): Promise<readonly SrvRecord[]>;
  addresses(name: string, family: IpFamily): Promise<readonly AddressRecord[]>;
}

export interface ResolverLimits {
  /** From a question to its last answer; a call is not delayed for longer. */
  readonly deadline: Millis;
  /** Questions that have no answer yet; beyond it a new one fails at once. */
  readonly questions: number;
  /** Requests that wait for one answer. */
  readonly waiters: number;
  /** Names whose answers are kept. */
  readonly names: number;
  /** SRV targets and addresses of a target that are looked at, and hops that are tried for one request. */
  readonly targets: number;
  readonly addresses: number;
  readonly hops: number;
  /** An answer is kept for its TTL, between these; SRV and NAPTR, whose TTL we are not told, for `unknownTtl`. */
  readonly shortestTtl: Millis;
  readonly longestTtl: Millis;
  readonly unknownTtl: Millis;
  /** How long nothing at all is believed. */
  readonly negativeTtl: Millis;
  /** While DNS does not answer, what it said within this time still counts (RFC 8767). */
  readonly stale: Millis;
  /** How long an address that failed is tried after the others. */
  readonly penalty: Millis;
  /** The longest Retry-After that is believed. */
  readonly longestRetryAfter: Millis;
  readonly withoutTcp: Millis;
  /** Addresses whose failures are remembered. */
  readonly penalties: number;
}

export const defaultResolverLimits: ResolverLimits = {
  deadline: 4_000,
  questions: 256,
  waiters: 2_000,
  names: 1_024,
  targets: 16,
  addresses: 8,
  hops: 8,
  shortestTtl: 1_000,
  longestTtl: 300_000,
  unknownTtl: 60_000,
  negativeTtl: 5_000,
  stale: 3_600_000,
  penalty: 30_000,
  longestRetryAfter: 600_000,
  withoutTcp: 600_000,
  penalties: 1_024,
};

export interface ResolverParts {
  readonly dns: DnsLookup;
  readonly scheduler: Scheduler;
  readonly random: Random;
  /** The families that a listener reaches, the preferred one first. */
  readonly familiesOf: (listener: string) => readonly IpFamily[];
  readonly limits?: ResolverLimits | undefined;
}

/** A host and port, and what DNS says of its rank. */
interface Place {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  readonly addresses: readonly string[];
}

interface Answer {
  readonly places: readonly Place[];
  readonly until: Millis;
  readonly foundAt: Millis;
}

interface Question {
  readonly waiting: ((answer: Answer | undefined) => void)[];
  readonly deadline: Timer;
}

export class Resolver implements HopLocator {
  readonly #parts: ResolverParts;
  readonly #limits: ResolverLimits;
  readonly #clock: Clock;
  readonly #answers = new Map<string, Answer>();
  readonly #questions = new Map<string, Question>();
  readonly #failing: HopPenalties;
  readonly #refusing: HopPenalties;
  readonly #withoutTcp: HopPenalties;
  /** Questions that DNS has not settled, those included that nobody waits for any more. */
  #open = 0;

  constructor(parts: ResolverParts) {
    this.#parts = parts;
    this.#limits = parts.limits ?? defaultResolverLimits;
    this.#clock = parts.scheduler.clock;
    const { penalties } = this.#limits;
    this.#failing = new HopPenalties(this.#clock, penalties);
    this.#refusing = new HopPenalties(this.#clock, penalties);
    this.#withoutTcp = new HopPenalties(this.#clock, penalties);
  }

  locate(hop: NextHop, onLocated: (located: Located) => void): void {
    if (isIP(hop.host) !== 0) {
      onLocated(this.#inOrder(hop, [{ priority: 0, weight: 0, port: hop.port, addresses: [hop.host] }]));
      return;
    }
    this.#ask(hop, (answer) => {
      if (answer === undefined) onLocated(nowhere(`no address of ${hop.host} is known`));
      else onLocated(this.#inOrder(hop, answer.places));
    });
  }

  failed(hop: NextHop): void {
    this.#failing.add(hop, this.#limits.penalty);
  }

  refused(hop: NextHop, retryAfter: Millis): void {
    this.#refusing.add(hop, Math.min(retryAfter, this.#limits.longestRetryAfter));
  }

  lacksTcp(hop: NextHop): void {
    this.#withoutTcp.add(hop, this.#limits.withoutTcp);
  }

  mayHaveTcp(hop: NextHop): boolean {
    return !this.#withoutTcp.has(hop);
  }

  /** Forgets who waits; nothing is told any more. */
  close(): void {
    for (const { deadline } of this.#questions.values()) deadline.cancel();
    this.#questions.clear();
  }

  #inOrder(hop: NextHop, places: readonly Place[]): Located {
    const all = inDrawnOrder(places, this.#parts.random).flatMap(({ port, addresses }) =>
      addresses.map((address) => hopAt(hop, address, port)),
    );
    const open = all.filter((one) => !this.#refusing.has(one));
    if (open.length === 0) return nowhere(`every address of ${hop.host} said 503 and to come again later`);
    const fresh = open.filter((one) => !this.#failing.has(one));
    const last = open.filter((one) => !fresh.includes(one));
    return { kind: 'hops', hops: [...fresh, ...last].slice(0, this.#limits.hops) };
  }

  #ask(hop: NextHop, onAnswer: (answer: Answer | undefined) => void): void {
    const families = this.#parts.familiesOf(hop.listener);
    const key = `${hop.transport} ${hop.host} ${hop.discover === true ? '' : hop.port} ${families.join()}`;
    const known = this.#answers.get(key);
    if (known !== undefined && known.until > this.#clock.now()) {
      onAnswer(known.places.length > 0 ? known : undefined);
      return;
    }
    const question = this.#questions.get(key);
    if (question !== undefined && question.waiting.length < this.#limits.waiters) question.waiting.push(onAnswer);
    else if (question !== undefined || this.#open >= this.#limits.questions) onAnswer(undefined);
    else this.#begin(key, hop, families, onAnswer);
  }

  #begin(
    key: string,
    hop: NextHop,
    families: readonly IpFamily[],
    onAnswer: (answer: Answer | undefined) => void,
  ): void {
    const deadline = this.#parts.scheduler.after(this.#limits.deadline, () => this.#settle(key, []));
    this.#questions.set(key, { waiting: [onAnswer], deadline });
    this.#open += 1;
    // `#find` does not reject.
    void this.#find(hop, families).then(({ places, ttl }) => {
      this.#open -= 1;
      this.#settle(key, places, ttl);
    });
  }

  /** What was found, at the deadline nothing; what comes later than that is still kept for the next who asks. */
  #settle(key: string, places: readonly Place[], ttl: Millis = this.#limits.negativeTtl): void {
    const now = this.#clock.now();
    const known = this.#answers.get(key);
    if (places.length > 0) this.#keep(key, { places, until: now + ttl, foundAt: now });
    else if (known !== undefined && known.places.length > 0 && known.foundAt + this.#limits.stale > now) {
      this.#keep(key, { ...known, until: Math.max(known.until, now + this.#limits.negativeTtl) });
    } else this.#keep(key, { places: [], until: now + this.#limits.negativeTtl, foundAt: now });
    const question = this.#questions.get(key);
    if (question === undefined) return;
    this.#questions.delete(key);
    question.deadline.cancel();
    const answer = this.#answers.get(key);
    for (const onAnswer of question.waiting) onAnswer(answer?.places.length === 0 ? undefined : answer);
  }

  #keep(key: string, answer: Answer): void {
    this.#answers.delete(key);
    const [oldest] = this.#answers.keys();
    if (this.#answers.size >= this.#limits.names && oldest !== undefined) this.#answers.delete(oldest);
    this.#answers.set(key, answer);
  }

  async #find(hop: NextHop, families: readonly IpFamily[]): Promise<Found> {
    const { host, port, transport } = hop;
    if (hop.discover !== true) return this.#addressesAt(host, { priority: 0, weight: 0, port }, families);
    // Asked at the same time, since most names have no NAPTR record, and many no SRV record.
    const [naptr, direct, plain] = await Promise.all([
      this.#records(() => this.#parts.dns.naptr(host)),
      this.#records(() => this.#parts.dns.srv(defaultServiceName(host, transport))),
      this.#addressesAt(host, { priority: 0, weight: 0, port }, families),
    ]);
    const named = serviceName(naptr, transport);
    const isDirect = named === undefined || named === defaultServiceName(host, transport);
    const records = isDirect ? direct : await this.#records(() => this.#parts.dns.srv(named));
    if (records.length === 0) return plain;
    const best = records
      .filter((record) => record.name !== '' && record.name !== '.' && record.port > 0)
      .toSorted((a, b) => a.priority - b.priority)
      .slice(0, this.#limits.targets);
    const found = await Promise.all(best.map((record) => this.#addressesAt(record.name, record, families)));
    const places = found.flatMap((one) => one.places);
    return { places, ttl: Math.min(this.#limits.unknownTtl, ...found.map((one) => one.ttl)) };
  }

  async #addressesAt(
    name: string,
    { priority, weight, port }: Pick<Place, 'priority' | 'weight' | 'port'>,
    families: readonly IpFamily[],
  ): Promise<Found> {
    const byFamily = await Promise.all(
      families.map((family) => this.#records(() => this.#parts.dns.addresses(name, family))),
    );
    const records = byFamily.flat().slice(0, this.#limits.addresses);
    const addresses = [...new Set(records.map(({ address }) => address))].filter((address) => isIP(address) !== 0);
    const { shortestTtl, longestTtl } = this.#limits;
    const ttl = Math.min(longestTtl, ...records.map(({ ttlSeconds }) => ttlSeconds * 1_000));
    return {
      places: addresses.length === 0 ? [] : [{ priority, weight, port, addresses }],
      ttl: Math.max(shortestTtl, ttl),
    };
  }

  /** A question that fails has no answer; that DNS as a whole is gone shows in the end. */
  async #records<T>(ask: () => Promise<readonly T[]>): Promise<readonly T[]> {
    try {
      return await ask();
    } catch {
      // NXDOMAIN, no data, a dead server: for whoever asks it is all the same, and what is known is tried.
      return [];
    }
  }
}

interface Found {
  readonly places: readonly Place[];
  readonly ttl: Millis;
}

/** The certificate must carry the name that was configured, not one that DNS made of it (RFC 5922 §4). */
function hopAt(hop: NextHop, address: string, port: number): NextHop {
  const { host } = hop;
  if (address === host) return { ...hop, port };
  const { discover: _asked, serverName = host, certificateName = host, ...common } = hop;
  const found = { ...common, host: address, port };
  return hop.transport === 'tls' ? { ...found, serverName, certificateName } : found;
}

function nowhere(reason: string): Located {
  return { kind: 'nowhere', reason };
}
