// The registrar (RFC 3261 §10.3): one AoR for one authenticated user, several phones, each reachable over the flow that
// it registered on (RFC 5626 §6). REGISTERs of one AoR are served one after the other.

import type { Millis } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { type Random, token } from '../core/random.ts';
import type { Scheduler } from '../core/scheduler.ts';
import { essentialsOf } from '../sip/message/header-fields.ts';
import type { SipRequest, SipResponse } from '../sip/message/message.ts';
import type { Flow, Identity, ServerTransaction } from '../sip/user-agent/session.ts';
import { applyContacts, type RegistrarLimits } from './bindings.ts';
import { HeldFlows } from './held-flows.ts';
import type { BindingRecord, LocationStore } from './location.ts';
import { boundResponse, busyResponse, refusedResponse } from './register-response.ts';

/** A binding whose flow is alive. */
export interface LiveBinding {
  readonly record: BindingRecord;
  readonly flow: Flow;
}

export interface RegistrarParts {
  readonly store: LocationStore;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly logger: Logger;
  readonly limits: RegistrarLimits;
  readonly isAlive: (flow: Flow) => boolean;
  /** The domain of ours that a host names, itself or as an alias. */
  readonly domainOf: (host: string) => string | undefined;
}

/** REGISTERs of one AoR that may wait for each other; more are told to come back. */
export const maxWaitingPerUser = 16;
/** After this a REGISTER that the store has not answered is told to come back. */
export const storeDeadline: Millis = 5_000;
const sweepInterval: Millis = 60_000;

export class Registrar {
  readonly #parts: RegistrarParts;
  readonly #held: HeldFlows;
  /** The end of the queue of each AoR that is being served, and how many stand in it. */
  readonly #queues = new Map<string, { readonly end: Promise<void>; readonly length: number }>();
  #nextSweep: Millis;
  #draining = false;

  constructor(parts: RegistrarParts) {
    this.#parts = parts;
    const { clock } = parts.scheduler;
    this.#held = new HeldFlows(clock);
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
    if ((this.#queues.get(identity.aor)?.length ?? 0) >= maxWaitingPerUser) {
      transaction.respond(busyResponse(request, this.#parts.random));
      return;
    }
    this.#serve(request, transaction, identity.aor);
  }

  /** Live bindings of `aor`, the preferred first. Rejects when the store cannot answer. */
  async reachable(aor: string): Promise<readonly LiveBinding[]> {
    const records = await this.#parts.store.find(aor);
    return records.flatMap((record) => this.#live(record)).toSorted((a, b) => b.record.priority - a.record.priority);
  }

  /** Every binding that has not expired, with whether its flow is alive. */
  async list(): Promise<readonly { readonly record: BindingRecord; readonly alive: boolean }[]> {
    const records = await this.#parts.store.all();
    return records
      .filter((record) => this.#isCurrent(record))
      .map((record) => ({ record, alive: this.#live(record).length > 0 }));
  }

  /** The flow is gone, and with it what was registered over it. */
  flowClosed(flow: Flow): void {
    const aors = this.#held.close(flow.id);
    if (this.#draining) return;
    for (const aor of aors) this.#inTurn(aor, () => this.#forget(aor, flow.id));
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
  #serve(request: SipRequest, transaction: ServerTransaction, aor: string): void {
    const { scheduler, random, logger } = this.#parts;
    let isAnswered = false;
    const deadline = scheduler.after(storeDeadline, () => {
      isAnswered = true;
      logger.error('register-failed', { aor, error: `the store took longer than ${storeDeadline} ms` });
      transaction.respond(busyResponse(request, random));
    });
    this.#inTurn(aor, async () => {
      if (isAnswered) return;
      try {
        const response = await this.#register(request, transaction.flow, aor);
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
  async #register(request: SipRequest, flow: Flow, aor: string): Promise<SipResponse> {
    const { store, scheduler, limits, isAlive, logger } = this.#parts;
    const stored = await store.find(aor);
    const now = scheduler.clock.wall();
    const kept = stored.filter((record) => this.#isCurrent(record));
    const applied = applyContacts({ request, aor, flow, kept, now, limits });
    if (!applied.ok) {
      logger.info('register-refused', { aor, status: applied.error.status, reason: applied.error.detail });
      return refusedResponse(request, this.#tag(), applied.error);
    }
    const bindings = applied.value;
    if (bindings === kept) return this.#bound(request, bindings);
    await store.save(aor, bindings);
    this.#held.replace(aor, flow, { bindings, kept, now });
    logger.info('registered', { aor, bindings: bindings.length });
    if (!isAlive(flow)) {
      // It closed while the store was asked, and nobody will say so again.
      this.#held.close(flow.id);
      await this.#forget(aor, flow.id);
    }
    return this.#bound(request, bindings);
  }

  #bound(request: SipRequest, bindings: readonly BindingRecord[]): SipResponse {
    const now = this.#parts.scheduler.clock.wall();
    const granted = bindings.map((binding) => ({ binding, seconds: this.#secondsLeft(binding) }));
    return boundResponse(request, this.#tag(), granted, now);
  }

  /** Never rejects. */
  async #forget(aor: string, flowId: string): Promise<void> {
    const { store, logger } = this.#parts;
    try {
      const bindings = await store.find(aor);
      const left = bindings.filter((binding) => binding.flowId !== flowId);
      if (left.length < bindings.length) await store.save(aor, left);
      logger.info('flow-lost', { aor });
    } catch (thrown) {
      logger.error('deregister-failed', { aor, error: messageOf(thrown) });
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
    for (const aor of this.#held.expired()) this.#inTurn(aor, () => this.#prune(aor));
  }

  /** Never rejects. */
  async #prune(aor: string): Promise<void> {
    const { store, logger } = this.#parts;
    try {
      const bindings = await store.find(aor);
      const current = bindings.filter((record) => this.#isCurrent(record));
      this.#held.prune(aor);
      if (current.length < bindings.length) await store.save(aor, current);
      logger.info('registration-expired', { aor, bindings: current.length });
    } catch (thrown) {
      logger.error('deregister-failed', { aor, error: messageOf(thrown) });
    }
  }

  /** `serve` never rejects. */
  #inTurn(aor: string, serve: () => Promise<void>): void {
    const before = this.#queues.get(aor);
    const end = (before?.end ?? Promise.resolve()).then(serve);
    this.#queues.set(aor, { end, length: (before?.length ?? 0) + 1 });
    void end.then(() => {
      const queue = this.#queues.get(aor);
      if (queue === undefined || queue.end === end) this.#queues.delete(aor);
      else this.#queues.set(aor, { end: queue.end, length: queue.length - 1 });
    });
  }

  #tag(): string {
    return token(this.#parts.random, 8);
  }
}
