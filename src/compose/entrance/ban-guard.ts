// Bans, between what is observed and what is turned away. Peers of the configuration and allowed addresses are never banned, and what
// comes over UDP bans nobody: where a datagram came from anybody can claim.
import type { Config } from '../../config/schema.ts';
import type { Clock } from '../../core/clock.ts';
import { sourceBlock } from '../../core/ip-address.ts';
import type { Logger } from '../../core/logger.ts';
import {
  type Ban,
  type BanReason,
  type BanRecord,
  type BanRules,
  type BanStore,
  Bans,
  type BanTarget,
  defaultBanRules,
} from '../../policy/bans.ts';
import { defaultOffenceRules, type Offence, type OffenceRules, OffenceScores } from '../../policy/offences.ts';
import type { Flow } from '../../sip/transport/transport.ts';

export interface BanGuardParts {
  readonly rules: { readonly bans: BanRules; readonly offences: OffenceRules };
  /** False: nothing is banned by score; an operator's bans hold. */
  readonly enabled: () => boolean;
  /** Whether that address is one that is never banned. */
  readonly isExempt: (address: string) => boolean;
  readonly store: BanStore;
  readonly clock: Clock;
  readonly logger: Logger;
  /** `isOurs`: this node saw the reason; false: another one told. */
  readonly onBanned: (ban: Ban, remaining: number, isOurs: boolean) => void;
  readonly onLifted: (target: BanTarget) => void;
}

/** A packet filter of the system. */
export interface Firewall {
  /** `lasts` in milliseconds. */
  add(source: string, lasts: number): void;
  remove(source: string): void;
}

export class BanGuard {
  readonly #parts: BanGuardParts;
  readonly #bans: Bans;
  readonly #scores: OffenceScores;

  constructor(parts: BanGuardParts) {
    this.#parts = parts;
    this.#bans = new Bans(parts.rules.bans);
    this.#scores = new OffenceScores(parts.rules.offences);
    const { clock } = parts;
    for (const { until, ...record } of parts.store.load()) {
      this.#bans.restore({ ...record, until: until - clock.wall() + clock.now() });
    }
  }

  replaceRules({ bans, offences }: BanGuardParts['rules']): void {
    this.#bans.replaceRules(bans);
    this.#scores.replaceRules(offences);
  }

  // What is observed.

  failed(flow: Flow, account: string): void {
    if (this.#counts(flow)) this.#offence(this.#scores.failed(sourceOf(flow), account, this.#now()));
  }

  succeeded(flow: Flow, account: string): void {
    if (flow.reliable) this.#scores.succeeded(sourceOf(flow), account, this.#now());
  }

  challenged(flow: Flow): void {
    if (this.#counts(flow)) this.#offence(this.#scores.challenged(sourceOf(flow), this.#now()));
  }

  turnedAway(flow: Flow): void {
    this.#scores.turnedAway(sourceOf(flow));
  }

  malformed(flow: Flow): void {
    if (this.#counts(flow)) this.#offence(this.#scores.malformed(sourceOf(flow), this.#now()));
  }

  // What is asked.

  isBanned(address: string): boolean {
    return this.#bans.isBanned(sourceBlock(address), this.#now()) && !this.#parts.isExempt(address);
  }

  isAccountBanned(flow: Flow, account: string): boolean {
    return this.#bans.isAccountBanned(sourceOf(flow), account, this.#now());
  }

  list(): readonly BanRecord[] {
    return this.#bans.list(this.#now()).map((ban) => this.#record(ban));
  }

  // What is ordered.

  /** `duration` in milliseconds; absent: by how often it was. */
  ban(target: BanTarget, reason: BanReason, duration?: number): BanRecord {
    const { clock, store, logger, onBanned } = this.#parts;
    const source = sourceBlock(target.source);
    const ban = this.#bans.ban({ source, account: target.account }, reason, clock.now(), duration);
    const record = this.#record(ban);
    store.keep(record);
    const { account, times } = ban;
    logger.warn('banned', { source, account, reason, times, until: new Date(record.until).toISOString() });
    onBanned(ban, ban.until - clock.now(), true);
    return record;
  }

  /** How many bans were lifted. */
  lift(target: BanTarget): number {
    const { store, logger, onLifted } = this.#parts;
    const lifted = this.#bans.lift({ ...target, source: sourceBlock(target.source) });
    for (const ban of lifted) {
      store.forget(ban);
      onLifted(ban);
      logger.info('ban-lifted', { source: ban.source, account: ban.account });
    }
    return lifted.length;
  }

  // What other nodes say.

  /** Another node banned it: it is turned away here too. Nothing is kept or told again. */
  adopt({ until, ...record }: BanRecord): void {
    const { clock, onBanned, logger } = this.#parts;
    const ban = { ...record, until: until - clock.wall() + clock.now() };
    if (ban.until <= clock.now() || !this.#bans.adopt(ban, clock.now())) return;
    logger.info('ban-shared', { source: ban.source, account: ban.account, reason: ban.reason });
    onBanned(ban, ban.until - clock.now(), false);
  }

  adoptLift({ source, account }: BanTarget): void {
    for (const ban of this.#bans.lift({ source, account })) {
      if (ban.account === account) this.#parts.onLifted(ban);
    }
  }

  #offence(offence: Offence | undefined): void {
    if (offence !== undefined) this.ban(offence, offence.reason);
  }

  #counts(flow: Flow): boolean {
    return flow.reliable && this.#parts.enabled() && !this.#parts.isExempt(flow.remote.address);
  }

  #record({ source, account, reason, until, times }: Ban): BanRecord {
    const { clock } = this.#parts;
    return { source, account, reason, until: Math.round(until - clock.now() + clock.wall()), times };
  }

  #now(): number {
    return this.#parts.clock.now();
  }
}

export function banRules({ bans }: Config): BanGuardParts['rules'] {
  return {
    bans: { first: bans.first, longest: Math.max(bans.first, bans.longest), most: defaultBanRules.most },
    offences: {
      halfLife: bans.half_life,
      failuresPerAccount: bans.failures_per_account,
      accountsPerSource: bans.accounts_per_source,
      unanswered: bans.unanswered_challenges,
      malformed: bans.malformed_messages,
      knownFor: bans.known_for,
      patience: defaultOffenceRules.patience,
      sources: defaultOffenceRules.sources,
    },
  };
}

function sourceOf(flow: Flow): string {
  return sourceBlock(flow.remote.address);
}
