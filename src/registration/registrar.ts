// The registrar (RFC 3261 §10.3): one AoR for one authenticated user, several phones, each reachable over the flow that
// it registered on (RFC 5626 §6). REGISTERs of one AoR are served one after the other.

import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { type Random, token } from '../core/random.ts';
import { essentialsOf } from '../sip/message/header-fields.ts';
import { Headers } from '../sip/message/headers.ts';
import { responseTo, type SipRequest, type SipResponse } from '../sip/message/message.ts';
import type { Flow, Identity, ServerTransaction } from '../sip/user-agent/session.ts';
import { applyContacts, type RegistrarLimits } from './bindings.ts';
import type { BindingRecord, LocationStore } from './location.ts';

/** A binding whose flow is alive. */
export interface LiveBinding {
  readonly record: BindingRecord;
  readonly flow: Flow;
}

export interface RegistrarParts {
  readonly store: LocationStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly limits: RegistrarLimits;
  readonly isAlive: (flow: Flow) => boolean;
  /** The domain of ours that a host names, itself or as an alias. */
  readonly domainOf: (host: string) => string | undefined;
}

export class Registrar {
  readonly #parts: RegistrarParts;
  /** Flows that carry a registration, by id, with the AoRs on them. */
  readonly #flows = new Map<string, { readonly flow: Flow; readonly aors: Set<string> }>();
  /** The end of the queue of each AoR that is being served. */
  readonly #queues = new Map<string, Promise<void>>();
  #draining = false;

  constructor(parts: RegistrarParts) {
    this.#parts = parts;
  }

  /** Flows with at least one registration. */
  get flows(): number {
    return this.#flows.size;
  }

  onRegister(request: SipRequest, transaction: ServerTransaction, identity: Identity): void {
    const { flow } = transaction;
    const refusal = this.#refusal(request, identity);
    if (refusal !== undefined || identity.kind !== 'user') {
      transaction.respond(refusal ?? this.#answer(request, 403));
      return;
    }
    this.#inTurn(identity.aor, async () => {
      transaction.respond(await this.#register(request, flow, identity.aor));
    });
  }

  /** Live bindings of `aor`, the preferred first. Rejects when the store cannot answer. */
  async reachable(aor: string): Promise<readonly LiveBinding[]> {
    const now = this.#parts.clock.wall();
    const records = await this.#parts.store.find(aor);
    return records
      .filter((record) => record.expiresAt > now)
      .flatMap((record) => this.#live(record))
      .toSorted((a, b) => b.record.priority - a.record.priority);
  }

  /** Every binding that has not expired, with whether its flow is alive. */
  async list(): Promise<readonly { readonly record: BindingRecord; readonly alive: boolean }[]> {
    const now = this.#parts.clock.wall();
    const records = await this.#parts.store.all();
    return records
      .filter((record) => record.expiresAt > now)
      .map((record) => ({ record, alive: this.#live(record).length > 0 }));
  }

  /** The flow is gone, and with it what was registered over it. */
  flowClosed(flow: Flow): void {
    const held = this.#flows.get(flow.id);
    this.#flows.delete(flow.id);
    if (this.#draining) return;
    for (const aor of held?.aors ?? []) this.#inTurn(aor, () => this.#forget(aor, flow.id));
  }

  /** The process ends: connections that close now are not phones that leave. */
  drain(): void {
    this.#draining = true;
  }

  #live(record: BindingRecord): readonly LiveBinding[] {
    const held = this.#flows.get(record.flowId);
    return held !== undefined && this.#parts.isAlive(held.flow) ? [{ record, flow: held.flow }] : [];
  }

  /** §10.3 steps 3 to 5: who may register what. */
  #refusal(request: SipRequest, identity: Identity): SipResponse | undefined {
    if (identity.kind !== 'user') return this.#answer(request, 403);
    const { to } = essentialsOf(request);
    if (to.uri.scheme !== 'sip' && to.uri.scheme !== 'sips') return this.#answer(request, 404);
    const domain = this.#parts.domainOf(to.uri.host);
    if (domain === undefined) return this.#answer(request, 404);
    return `${to.uri.user ?? ''}@${domain}` === identity.aor ? undefined : this.#answer(request, 403);
  }

  async #register(request: SipRequest, flow: Flow, aor: string): Promise<SipResponse> {
    const now = this.#parts.clock.wall();
    try {
      const kept = (await this.#parts.store.find(aor)).filter((record) => record.expiresAt > now);
      const applied = applyContacts({ request, aor, flow, kept, now, limits: this.#parts.limits });
      if (!applied.ok) {
        const { status, minExpires } = applied.error;
        const headers = minExpires === undefined ? Headers.empty : Headers.of(['Min-Expires', String(minExpires)]);
        return this.#answer(request, status, headers);
      }
      if (applied.value !== kept) await this.#parts.store.save(aor, applied.value);
      this.#hold(aor, flow, applied.value);
      this.#parts.logger.info('registered', { aor, bindings: applied.value.length });
      return this.#answer(request, 200, this.#contactFields(applied.value, now));
    } catch (thrown) {
      this.#parts.logger.error('register-failed', { aor, error: messageOf(thrown) });
      const seconds = String(10 + this.#parts.random.below(20));
      return this.#answer(request, 503, Headers.of(['Retry-After', seconds]));
    }
  }

  #hold(aor: string, flow: Flow, bindings: readonly BindingRecord[]): void {
    const held = this.#flows.get(flow.id);
    if (bindings.some((binding) => binding.flowId === flow.id)) {
      if (held === undefined) this.#flows.set(flow.id, { flow, aors: new Set([aor]) });
      else held.aors.add(aor);
      return;
    }
    held?.aors.delete(aor);
    if (held?.aors.size === 0) this.#flows.delete(flow.id);
  }

  async #forget(aor: string, flowId: string): Promise<void> {
    try {
      const bindings = await this.#parts.store.find(aor);
      await this.#parts.store.save(
        aor,
        bindings.filter((binding) => binding.flowId !== flowId),
      );
      this.#parts.logger.info('flow-lost', { aor });
    } catch (thrown) {
      this.#parts.logger.error('deregister-failed', { aor, error: messageOf(thrown) });
    }
  }

  /** `serve` never rejects. */
  #inTurn(aor: string, serve: () => Promise<void>): void {
    const before = this.#queues.get(aor) ?? Promise.resolve();
    const turn = before.then(serve);
    this.#queues.set(aor, turn);
    void turn.then(() => {
      if (this.#queues.get(aor) === turn) this.#queues.delete(aor);
    });
  }

  #contactFields(bindings: readonly BindingRecord[], now: number): Headers {
    const contacts = bindings.map((binding): [string, string] => {
      const seconds = Math.max(1, Math.round((binding.expiresAt - now) / 1000));
      return ['Contact', `<${binding.contact}>;expires=${seconds}`];
    });
    return Headers.of(...contacts, ['Date', new Date(now).toUTCString()]);
  }

  #answer(request: SipRequest, status: number, headers = Headers.empty): SipResponse {
    return responseTo(request, status, { toTag: token(this.#parts.random, 8), headers });
  }
}
