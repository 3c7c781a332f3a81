// Fraud detection, between what is observed of calls and registrations and what is done about it. What it remembers lives in this
// process; what is held against whom, and which countries and places are known, is kept in a store as well.
import type { Admission } from '../../b2bua/call/call-event.ts';
import type { CallRecord } from '../../b2bua/call/call-record.ts';
import type { Party } from '../../b2bua/routing/target.ts';
import type { EpochMillis } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import { sourceBlock } from '../../core/ip-address.ts';
import type { Logger } from '../../core/logger.ts';
import type { Scheduler } from '../../core/scheduler.ts';
import type { AlertSink } from '../../policy/alert.ts';
import { isOpen } from '../../policy/calling-hours.ts';
import { FraudEngine } from '../../policy/fraud/fraud-engine.ts';
import type { FraudCall, FraudEvent, FraudOutput } from '../../policy/fraud/fraud-event.ts';
import type { FraudStore } from '../../policy/fraud/fraud-store.ts';
import { type Hold, Holds } from '../../policy/fraud/holds.ts';
import type { Restriction } from '../../policy/restriction.ts';
import type { RefusalCode } from '../../policy/verdict.ts';
import type { Flow } from '../../sip/user-agent/session.ts';
import type { BanGuard } from '../entrance/ban-guard.ts';
import { ZoneClock } from '../site/zone-clock.ts';
import { FraudNotes } from './fraud-notes.ts';
import type { FraudSettings } from './fraud-settings.ts';

export interface FraudGuardParts {
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  readonly store: FraudStore;
  readonly onAlert: AlertSink;
  readonly endCall: (call: string) => void;
  /** Where the lock is kept: a user of the configuration is locked by `locked`. Rejects when the user cannot be locked. */
  readonly lockUser: (aor: string) => Promise<'configured' | 'stored'>;
  /** Users of the configuration that are locked. */
  readonly locked: Set<string>;
  readonly bans: Pick<BanGuard, 'ban'>;
  /** Whether that address is one that is never banned. */
  readonly isExempt: (address: string) => boolean;
  /** The other nodes of the site; absent: there are none. */
  readonly others?: FraudSharing | undefined;
}

/** What the other nodes of a site are told. */
export interface FraudSharing {
  /** It is counted there too; what follows from it is done here alone. */
  counted(event: FraudEvent): void;
  held(hold: Hold): void;
  lifted(subject: string): void;
}

export class FraudGuard {
  readonly #parts: FraudGuardParts;
  readonly #zones = new ZoneClock();
  /** Calls that were told of and are not over. */
  readonly #running = new Map<string, readonly FraudCall[]>();
  /** Windows must not stand still because somebody set the clock back. */
  readonly #start: EpochMillis;
  readonly #holds = new Holds();
  readonly #notes: FraudNotes;
  #settings: FraudSettings | undefined;
  #engine: FraudEngine | undefined;

  /** Throws what the store throws. */
  constructor(parts: FraudGuardParts) {
    this.#parts = parts;
    const { scheduler, store, locked } = parts;
    this.#start = scheduler.clock.wall() - scheduler.clock.now();
    this.#notes = new FraudNotes(parts);
    for (const hold of store.holds(this.#now())) {
      this.#holds.put(hold);
      if (hold.action === 'lock') locked.add(userOf(hold));
    }
  }

  /** Undefined: nothing is detected. What a rule refuses that no longer acts is refused no longer. Throws what the store throws. */
  apply(settings: FraudSettings | undefined): void {
    const known = settings === undefined ? none : this.#notes.known(settings.rules);
    this.#settings = settings;
    this.#engine = settings === undefined ? undefined : new FraudEngine(settings.rules, settings.prices);
    this.#running.clear();
    for (const value of known) this.#engine?.handle({ type: 'known', ...value });
    const acting = new Set(settings?.rules.filter(({ mode }) => mode === 'active').map(({ name }) => name));
    for (const hold of this.#holds.list(this.#now())) {
      if (hold.action === 'lock' || acting.has(hold.rule)) continue;
      this.#holds.drop(hold);
      this.#notes.forget([hold]);
    }
  }

  /** Counts what happened before this process, in the order of time. Nothing follows from it, and it is not told again. */
  replay(events: readonly FraudEvent[]): void {
    const now = this.#now();
    for (const event of events) if (event.at <= now) this.#engine?.handle(event);
  }

  /** What holds against `user:…`, `trunk:…` or `pbx:…` now. */
  restrictionsOn(subject: string): readonly Restriction[] {
    return this.#engine === undefined ? none : this.#holds.on(subject, this.#now());
  }

  /** All that holds now. */
  holds(): readonly Hold[] {
    return this.#holds.list(this.#now());
  }

  /** Takes back what holds against `subject`; that. The windows stay: a rule that acted does not act again within its window. */
  lift(subject: string): readonly Hold[] {
    this.#holds.list(this.#now());
    const lifted = this.#holds.lift(subject);
    for (const hold of lifted) if (hold.action === 'lock') this.#parts.locked.delete(userOf(hold));
    this.#notes.forget(lifted);
    if (lifted.length > 0) this.#parts.others?.lifted(subject);
    return lifted;
  }

  // What other nodes say.

  /** Counts what happened at another node, which does what follows from it. */
  observe(event: FraudEvent): void {
    this.#engine?.handle(event);
  }

  adopt(hold: Hold): void {
    this.#put(hold);
    if (hold.action === 'lock') this.#parts.locked.add(userOf(hold));
  }

  adoptLift(subject: string): void {
    const lifted = this.#holds.lift(subject);
    for (const hold of lifted) if (hold.action === 'lock') this.#parts.locked.delete(userOf(hold));
    this.#notes.forget(lifted);
  }

  /** Writes what is not written yet. */
  close(): void {
    this.#notes.close();
  }

  // What is observed.

  /** `flow`: undefined where it tells nothing of where the caller is. */
  admitted(id: string, admission: Pick<Admission, 'payer' | 'number'>, flow: Flow | undefined): void {
    this.#begun(id, admission, flow && provenAddress(flow));
  }

  /** The same call goes on as one of who is charged for that, too: it is whose it was as well. Where the caller is tells nothing of the other. */
  redirected(id: string, admission: Pick<Admission, 'payer' | 'number'>): void {
    this.#begun(id, admission, undefined);
  }

  redirectRefused(id: string, by: Party, code: RefusalCode): void {
    if (this.#engine === undefined || !isTellingRefusal(code)) return;
    this.#take({ type: 'attempted', at: this.#now(), call: this.#unknown(id, by, ''), admitted: false });
  }

  #begun(id: string, { payer, number }: Pick<Admission, 'payer' | 'number'>, address: string | undefined): void {
    if (this.#engine === undefined || payer === undefined || number === undefined) return;
    const { canonical, country, classes } = number;
    const isOutOfHours = this.#isOutOfHours();
    const call: FraudCall = { id, subject: payer, number: canonical, country, classes, isOutOfHours };
    const others = (this.#running.get(id) ?? none).filter(({ subject }) => subject !== payer);
    this.#running.set(id, [...others, call]);
    const at = this.#now();
    if (country !== undefined) this.#notes.saw({ subject: payer, of: 'called-country', value: country, at });
    this.#take({ type: 'attempted', at, call, admitted: true, address });
  }

  ended({ callId, duration, refusal, caller, canonical = '' }: CallRecord): void {
    if (this.#engine === undefined) return;
    const running = this.#running.get(callId) ?? none;
    this.#running.delete(callId);
    for (const call of running) this.#take({ type: 'ended', at: this.#now(), call, duration });
    if (refusal === undefined || !isTellingRefusal(refusal.code)) return;
    const [call = this.#unknown(callId, caller, canonical)] = running;
    this.#take({ type: 'attempted', at: this.#now(), call, admitted: false });
  }

  #unknown(id: string, { kind, name }: Party, number: string): FraudCall {
    const isOutOfHours = this.#isOutOfHours();
    return { id, subject: `${kind}:${name}`, number, country: undefined, classes: [], isOutOfHours };
  }

  registered(aor: string, flow: Flow): void {
    if (this.#engine === undefined) return;
    const { address } = flow.remote;
    const country = this.#settings?.countries?.of(address);
    const source = sourceBlock(address);
    const subject = `user:${aor}`;
    const at = this.#now();
    this.#notes.saw({ subject, of: 'source', value: source, at });
    if (country !== undefined) this.#notes.saw({ subject, of: 'source-country', value: country, at });
    this.#take({ type: 'registered', at, subject, source, country, address: provenAddress(flow) });
  }

  #take(event: FraudEvent): void {
    this.#parts.others?.counted(event);
    for (const output of this.#engine?.handle(event) ?? none) this.#carryOut(output);
  }

  // What is done.

  #carryOut(output: FraudOutput): void {
    const { logger, onAlert, endCall, lockUser, bans, isExempt } = this.#parts;
    switch (output.type) {
      case 'alert': {
        const { rule, subject, level, detail, actions, isShadow } = output.finding;
        onAlert({ kind: 'fraud', rule, subject, level, detail, actions, shadow: isShadow });
        break;
      }
      case 'restrict': {
        const { type: _, ...held } = output;
        this.#hold({ ...held, action: 'refuse' });
        const { subject, of = 'all', rule, until } = output;
        logger.warn('fraud-restricted', { rule, subject, of, seconds: Math.round((until - this.#now()) / 1_000) });
        break;
      }
      case 'end-calls':
        logger.warn('fraud-calls-ended', { rule: output.rule, subject: output.subject, calls: output.calls.length });
        for (const call of output.calls) endCall(call);
        break;
      case 'lock-user': {
        const { rule, subject } = output;
        logger.warn('fraud-user-locked', { rule, subject });
        const since = this.#now();
        lockUser(userOf(output)).then(
          (kept) => {
            if (kept === 'configured')
              this.#hold({ action: 'lock', rule, subject, of: undefined, since, until: undefined });
          },
          (thrown: unknown) => logger.error('fraud-lock-failed', { rule, subject, error: messageOf(thrown) }),
        );
        break;
      }
      case 'ban-source':
        if (!isExempt(output.source)) bans.ban({ source: output.source }, 'fraud');
        break;
      default:
        output satisfies never;
    }
  }

  #hold(hold: Hold): void {
    this.#put(hold);
    this.#parts.others?.held(hold);
  }

  #put(hold: Hold): void {
    const letGo = this.#holds.put(hold);
    for (const one of letGo) if (one.action === 'lock') this.#parts.locked.delete(userOf(one));
    this.#notes.keep(hold, letGo);
  }

  #isOutOfHours(): boolean {
    const hours = this.#settings?.hours;
    return hours !== undefined && !isOpen(hours, this.#zones.localTime(hours.zone, this.#parts.scheduler.clock.wall()));
  }

  #now(): EpochMillis {
    return this.#start + this.#parts.scheduler.clock.now();
  }
}

const none: readonly never[] = [];

/** Refusals that tell of somebody who tries what may not be; that the node is full tells nothing of the caller. */
const tellingRefusals: ReadonlySet<string> = new Set<RefusalCode>([
  'user-cap',
  'limit-cap',
  'call-rate',
  'minutes-used',
  'no-route',
  'unknown-user',
  'caller-not-allowed',
  'rule-denied',
  'number-not-valid',
  'scheme-not-supported',
]);

export function isTellingRefusal(code: string): boolean {
  return tellingRefusals.has(code);
}

/** `alice@pbx.test` of `user:alice@pbx.test`. */
function userOf({ subject }: { readonly subject: string }): string {
  return subject.slice('user:'.length);
}

/** Where a datagram came from anybody can claim, so nobody is banned for one. */
function provenAddress({ reliable, remote }: Flow): string | undefined {
  return reliable ? remote.address : undefined;
}
