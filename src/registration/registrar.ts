// The registrar (RFC 3261 §10.3): one AoR for one authenticated user, several phones, each reachable over the flow that
// it registered on (RFC 5626 §6). REGISTERs of one AoR are served one after the other.

import type { Millis } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import { token } from '../core/random.ts';
import { essentialsOf } from '../sip/message/header-fields.ts';
import type { SipRequest, SipResponse } from '../sip/message/message.ts';
import type { Flow, Identity, ServerTransaction } from '../sip/user-agent/session.ts';
import { applyContacts, isRenewal } from './bindings.ts';
import { forwardDeadline } from './forwarding.ts';
import { HeldFlows } from './held-flows.ts';
import { instanceIn, phoneOf } from './instance.ts';
import type { BindingRecord } from './location.ts';
import { LostFlows } from './lost-flows.ts';
import { boundResponse, busyResponse, refusedResponse } from './register-response.ts';
import type { LiveBinding, RegistrarParts, Whereabouts } from './registrar-parts.ts';
import { UserTurns } from './user-turns.ts';

/** REGISTERs of one AoR that may wait for each other; more are told to come back. */
export const maxWaitingPerUser = 16;
/** After this a REGISTER that the store has not answered is told to come back. */
export const storeDeadline: Millis = 5_000;
const sweepInterval: Millis = 60_000;
/** How finely lifetimes are spread. */
const chances = 2 ** 16;

export class Registrar {
  readonly #parts: RegistrarParts;
  readonly #held: HeldFlows;
  readonly #lost: LostFlows;
  readonly #turns = new UserTurns();
  #nextSweep: Millis;
  #draining = false;

  constructor(parts: RegistrarParts) {
    this.#parts = parts;
    const { clock } = parts.scheduler;
    this.#held = new HeldFlows(clock);
    this.#lost = parts.lost ?? new LostFlows();
    this.#nextSweep = clock.now() + sweepInterval;
  }

  /** Flows with at least one registration. */
  get flows(): number {
    return this.#held.size;
  }

  onRegister(request: SipRequest, transaction: ServerTransaction, identity: Identity): void {
    const status = this.#refusal(request, identity);
    if (status !== undefined || identity.kind !== 'user') {
      transaction.respond(refusedResponse(request, this.#tag(), { status: status ?? 403 }));
      return;
    }
    this.#sweep();
    if (this.#turns.waiting(identity.aor) >= maxWaitingPerUser) {
      transaction.respond(busyResponse(request, this.#parts.random));
      return;
    }
    this.#serve(request, transaction, identity);
  }

  /**
   * A live binding of each phone of `aor`, the preferred first. A phone with several flows is called over the latest one, and never
   * over two at a time (RFC 5626 §7). Rejects when the store cannot answer.
   */
  async reachable(aor: string): Promise<readonly LiveBinding[]> {
    return (await this.whereabouts(aor)).here;
  }

  /** `here` as `reachable`; `elsewhere`: other nodes of the site that hold flows of its phones, with the highest q of theirs. */
  async whereabouts(aor: string): Promise<Whereabouts> {
    const records = await this.#parts.store.find(aor);
    const elsewhere = new Map<string, number>();
    for (const record of records) {
      const { node, priority } = record;
      if (node === undefined || !this.#isCurrent(record)) continue;
      elsewhere.set(node, Math.max(priority, elsewhere.get(node) ?? 0));
    }
    return { here: this.#chosen(records), elsewhere };
  }

  #chosen(records: readonly BindingRecord[]): readonly LiveBinding[] {
    const live = records.flatMap((record) => this.#live(record));
    const latest = live.toSorted((a, b) => a.record.expiresAt - b.record.expiresAt);
    const phones = new Map(latest.map((binding) => [phoneOf(binding.record.key), binding]));
    const chosen = new Set(phones.values());
    return live.filter((one) => chosen.has(one)).toSorted((a, b) => b.record.priority - a.record.priority);
  }

  /** Every binding that has not expired, with whether its flow is alive. */
  async list(): Promise<readonly { readonly record: BindingRecord; readonly alive: boolean }[]> {
    const records = await this.#parts.store.all();
    return records
      .filter((record) => this.#isCurrent(record))
      .map((record) => ({ record, alive: this.#live(record).length > 0 }));
  }

  /** The instance that a user registered with over that flow. */
  instanceOn(aor: string, flowId: string): string | undefined {
    const key = this.#held.keyOn(aor, flowId);
    return key === undefined ? undefined : instanceIn(key);
  }

  /** Every live binding of every user. Rejects when the store cannot answer. */
  async live(): Promise<readonly LiveBinding[]> {
    return (await this.#parts.store.all()).flatMap((record) => this.#live(record));
  }

  /**
   * Phones that registered by datagrams with an earlier process are where they were: they are reached as before. Before anything is
   * served. Rejects when the store cannot answer.
   */
  async takeUp(): Promise<void> {
    const { clock } = this.#parts.scheduler;
    for (const record of await this.#parts.store.all()) {
      const left = record.expiresAt - clock.wall();
      if (record.datagram === undefined || record.node !== undefined || left <= 0) continue;
      const { flowId: id, listener, datagram } = record;
      const flow: Flow = { id, listener, transport: 'udp', reliable: false, secure: false, peerNames: [], ...datagram };
      this.#held.takeUp(record, { flow, until: clock.now() + left });
    }
  }

  /** The flow is gone, and with it what was registered over it. */
  flowClosed(flow: Flow): void {
    const aors = this.#held.close(flow.id);
    if (this.#draining) return;
    for (const aor of aors) this.#turns.take(aor, () => this.#forget(aor, flow.id));
  }

  /** Who must know of registrations has changed: every AoR with phones is told again. Rejects when the store cannot answer. */
  async announce(): Promise<void> {
    const aors = new Set((await this.#parts.store.all()).map(({ aor }) => aor));
    for (const aor of aors) this.#turns.take(aor, () => this.#announceOne(aor));
  }

  /** Nobody is registered as that user any more. How many bindings there were. Rejects when the store fails; nobody is reached then either. */
  signOff(aor: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#turns.take(aor, () => {
        this.#held.drop(aor);
        return this.#retain(aor, () => false).then(({ gone }) => resolve(gone.length), reject);
      });
    });
  }

  /** The process ends: connections that close now are not phones that leave. */
  drain(): void {
    this.#draining = true;
  }

  /** §10.3 steps 3 to 5: who may register what. The status of the answer, or undefined. */
  #refusal(request: SipRequest, identity: Identity): number | undefined {
    if (identity.kind !== 'user') return 403;
    const { to } = essentialsOf(request);
    if (to.uri.scheme !== 'sip' && to.uri.scheme !== 'sips') return 404;
    const domain = this.#parts.domainOf(to.uri.host);
    if (domain === undefined) return 404;
    return `${to.uri.user ?? ''}@${domain}` === identity.aor ? undefined : 403;
  }

  /** Answers once: what the store made of it, or at the deadline that it makes nothing. */
  #serve(request: SipRequest, transaction: ServerTransaction, identity: UserIdentity): void {
    const { scheduler, random, logger, upstreamOf } = this.#parts;
    const { aor } = identity;
    const patience = storeDeadline + (upstreamOf(aor) === undefined ? 0 : forwardDeadline);
    let isAnswered = false;
    const deadline = scheduler.after(patience, () => {
      isAnswered = true;
      logger.error('register-failed', { aor, error: `the store took longer than ${patience} ms` });
      transaction.respond(busyResponse(request, random));
    });
    this.#turns.take(aor, async () => {
      if (isAnswered) return;
      try {
        const response = await this.#register(request, transaction.flow, identity);
        if (!isAnswered) transaction.respond(response);
      } catch (thrown) {
        logger.error('register-failed', { aor, error: messageOf(thrown) });
        if (!isAnswered) transaction.respond(busyResponse(request, random));
      } finally {
        deadline.cancel();
      }
    });
  }

  /** Rejects when the store fails. */
  async #register(request: SipRequest, flow: Flow, identity: UserIdentity): Promise<SipResponse> {
    const { store, scheduler, random, limits, isAlive, logger } = this.#parts;
    const { aor } = identity;
    const stored = await store.find(aor);
    const now = scheduler.clock.wall();
    const kept = stored.filter((record) => this.#isCurrent(record));
    const chance = random.below(chances) / chances;
    const applied = applyContacts({ request, aor, flow, kept, now, limits, chance });
    if (!applied.ok) {
      logger.info('register-refused', { aor, status: applied.error.status, reason: applied.error.detail });
      return refusedResponse(request, this.#tag(), applied.error);
    }
    const bindings = applied.value;
    if (bindings === kept) return this.#bound(request, bindings);
    const status = await this.#forward(aor, { bindings, kept, now });
    if (status !== undefined) return refusedResponse(request, this.#tag(), { status });
    await this.#save(aor, bindings, { kept, stored });
    this.#held.replace(aor, flow, { bindings, kept, now });
    if (this.#lifetime(bindings) === 0) this.#parts.upstreamOf(aor)?.unbound(aor);
    this.#move(bindings, kept, flow, identity);
    logger[isRenewal(bindings, kept) ? 'debug' : 'info']('registered', { aor, bindings: bindings.length });
    if (bindings.some((binding) => !kept.includes(binding))) this.#parts.onRegistered(aor, flow);
    if (!isAlive(flow)) {
      // It closed while the store was asked, and nobody will say so again.
      this.#held.close(flow.id);
      await this.#forget(aor, flow.id);
    }
    return this.#bound(request, bindings);
  }

  /** Asks the PBX before the phone is told that it is registered. The status of its refusal, or undefined. */
  async #forward(
    aor: string,
    { bindings, kept, now }: { bindings: readonly BindingRecord[]; kept: readonly BindingRecord[]; now: number },
  ): Promise<number | undefined> {
    const upstream = this.#parts.upstreamOf(aor);
    const fresh = bindings.filter((binding) => !kept.includes(binding)).map(({ expiresAt }) => expiresAt - now);
    const lifetime = Math.max(this.#lifetime(bindings), ...fresh);
    if (upstream === undefined || lifetime <= 0) return undefined;
    const status = await upstream.bound(aor, lifetime);
    if (status !== undefined) this.#tellUpstream(aor, kept);
    return status;
  }

  /** Rejects when the store fails; then the PBX is told what is still true. */
  async #save(
    aor: string,
    bindings: readonly BindingRecord[],
    { kept, stored }: Readonly<Record<'kept' | 'stored', readonly BindingRecord[]>>,
  ): Promise<void> {
    try {
      await this.#parts.store.save(aor, bindings, stored);
    } catch (thrown) {
      this.#tellUpstream(aor, kept);
      throw thrown;
    }
  }

  /** What the PBX must know when the bindings of `aor` are these. It need not answer. */
  #tellUpstream(aor: string, bindings: readonly BindingRecord[]): void {
    const upstream = this.#parts.upstreamOf(aor);
    const lifetime = this.#lifetime(bindings);
    if (lifetime > 0) void upstream?.bound(aor, lifetime);
    else upstream?.unbound(aor);
  }

  /** How long the last binding on a live flow has to live. */
  #lifetime(bindings: readonly BindingRecord[]): Millis {
    const live = bindings.filter((binding) => this.#live(binding).length > 0);
    return Math.max(0, ...live.map((binding) => this.#held.timeLeft(binding) ?? 0));
  }

  /** Calls of a phone that came back over another flow go on there (RFC 5626 §5.3). */
  #move(bindings: readonly BindingRecord[], kept: readonly BindingRecord[], flow: Flow, identity: UserIdentity): void {
    for (const { aor, key } of bindings.filter((binding) => !kept.includes(binding))) {
      const before = kept.find((binding) => binding.key === key)?.flowId ?? this.#lost.take(aor, key);
      if (before !== undefined && before !== flow.id) this.#parts.onMoved(before, flow, identity);
      if (before !== flow.id) this.#parts.onCame?.({ aor, key, before }, flow);
    }
  }

  /** Never rejects. */
  async #announceOne(aor: string): Promise<void> {
    try {
      this.#tellUpstream(aor, await this.#parts.store.find(aor));
    } catch (thrown) {
      this.#parts.logger.error('announce-failed', { aor, error: messageOf(thrown) });
    }
  }

  #bound(request: SipRequest, bindings: readonly BindingRecord[]): SipResponse {
    const now = this.#parts.scheduler.clock.wall();
    const granted = bindings.map((binding) => ({ binding, seconds: this.#secondsLeft(binding) }));
    return boundResponse(request, this.#tag(), granted, now);
  }

  /** Never rejects. */
  #forget(aor: string, flowId: string): Promise<void> {
    return this.#settling(aor, async () => {
      const { left, gone } = await this.#retain(aor, (binding) => binding.flowId !== flowId);
      for (const { key } of gone) this.#lost.add(aor, key, flowId);
      this.#parts.logger.info('flow-lost', { aor, bindings: left });
    });
  }

  /** Rejects when the store fails. */
  async #retain(
    aor: string,
    stays: (record: BindingRecord) => boolean,
  ): Promise<{ readonly left: number; readonly gone: readonly BindingRecord[] }> {
    const { store } = this.#parts;
    const bindings = await store.find(aor);
    const left = bindings.filter(stays);
    if (left.length < bindings.length) await store.save(aor, left, bindings);
    this.#tellUpstream(aor, left);
    return { left: left.length, gone: bindings.filter((record) => !left.includes(record)) };
  }

  /** Never rejects. */
  async #settling(aor: string, settle: () => Promise<void>): Promise<void> {
    try {
      await settle();
    } catch (thrown) {
      this.#parts.logger.error('deregister-failed', { aor, error: messageOf(thrown) });
    }
  }

  #live(record: BindingRecord): readonly LiveBinding[] {
    const flow = this.#held.flowOf(record);
    return flow !== undefined && this.#parts.isAlive(flow) ? [{ record, flow }] : [];
  }

  #isCurrent(record: BindingRecord): boolean {
    return this.#secondsLeft(record) > 0;
  }

  /** By the monotonic clock where this process granted it: an operator who moves the time of day moves no registration. */
  #secondsLeft(record: BindingRecord): number {
    const { clock } = this.#parts.scheduler;
    return (this.#held.timeLeft(record) ?? record.expiresAt - clock.wall()) / 1000;
  }

  /** Lets go of what has expired, now and then, since nothing else tells of it. */
  #sweep(): void {
    const now = this.#parts.scheduler.clock.now();
    if (now < this.#nextSweep) return;
    this.#nextSweep = now + sweepInterval;
    for (const aor of this.#held.expired()) this.#turns.take(aor, () => this.#prune(aor));
  }

  /** Never rejects. */
  #prune(aor: string): Promise<void> {
    return this.#settling(aor, async () => {
      const { left } = await this.#retain(aor, (record) => this.#isCurrent(record));
      this.#held.prune(aor);
      this.#parts.logger.info('registration-expired', { aor, bindings: left });
    });
  }

  #tag(): string {
    return token(this.#parts.random, 8);
  }
}

type UserIdentity = Extract<Identity, { readonly kind: 'user' }>;
