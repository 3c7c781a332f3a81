// Who may subscribe to what, and how many subscriptions there are (RFC 6665 §4.2.1): users of ours, at a PBX, within the packages
// that are served. A PBX may tell a phone of its messages without being asked, where policy lets it (RFC 3842).
import type { Clock, EpochMillis, Millis } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import { type Random, token } from '../../core/random.ts';
import {
  type EventName,
  formatEvent,
  formatSubscriptionState,
  parseEvent,
  parseSubscriptionState,
} from '../../sip/message/event.ts';
import { Headers } from '../../sip/message/headers.ts';
import { responseTo, type SipRequest } from '../../sip/message/message.ts';
import { allowedMethods } from '../../sip/user-agent/allowed-methods.ts';
import { bodyOf, type Identity, type OutsideRequester, type ServerTransaction } from '../../sip/user-agent/session.ts';
import type { SubscriberSnapshot, SubscriptionMaker } from '../../sip/user-agent/subscriptions.ts';
import type { Admissions } from '../admission/admission.ts';
import { statusReason } from '../call/reason.ts';
import { relayRequest } from '../requests/relayed-request.ts';
import type { EventPackage, MethodPolicy, SubscriptionPolicy } from '../routing/method-policy.ts';
import { DialogNames } from './dialog-names.ts';
import { bodyForPhone } from './event-bodies.ts';
import { type Subscribing, SubscriptionBridge, secondsAsked } from './subscription-bridge.ts';

export interface SubscriptionsParts {
  readonly userAgent: SubscriptionMaker & OutsideRequester;
  readonly admissions: Pick<Admissions, 'admit'>;
  readonly policy: () => MethodPolicy;
  readonly mayStand: (user: Subscribing) => Promise<boolean>;
  /** False while draining. */
  readonly isAvailable: () => boolean;
  /** `code` is from a closed set: ours, or a refusal of policy. */
  readonly onRefused: (code: string) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

interface Refusal {
  readonly code: string;
  readonly status: number;
  readonly headers?: Headers;
}

/** One row of the list of subscriptions. */
export interface SubscriptionView {
  readonly id: string;
  readonly user: string;
  /** `dialog`, `dialog;id=7`. */
  readonly event: string;
  /** What is watched, as the phone named it: `sip:600@pbx.test`. */
  readonly resource: string;
  /** Unless it is refreshed; undefined: the PBX has not granted it yet. */
  readonly expiresAt: EpochMillis | undefined;
}

/** A subscription as whoever keeps it sees it. */
export interface KeepableSubscription {
  readonly id: string;
  readonly timeLeft: Millis;
  /** Ours, in the phone's dialog. */
  readonly sequence: number;
  /** Undefined: it is ending. */
  take(): SubscriberSnapshot | undefined;
}

interface Listed extends Pick<SubscriptionView, 'id' | 'event' | 'resource'> {
  readonly dialogs: DialogNames;
}

export class Subscriptions {
  readonly #parts: SubscriptionsParts;
  readonly #open = new Map<SubscriptionBridge, Listed>();
  readonly #perUser = new Map<string, number>();

  constructor(parts: SubscriptionsParts) {
    this.#parts = parts;
  }

  get active(): number {
    return this.#open.size;
  }

  list(): readonly SubscriptionView[] {
    const now = this.#parts.clock.wall();
    return Array.from(this.#open, ([{ user, timeLeft }, { id, event, resource }]) => ({
      id,
      event,
      resource,
      user: user.aor,
      expiresAt: timeLeft === undefined ? undefined : now + timeLeft,
    }));
  }

  /** Those that are granted, for a successor process. */
  keepable(): readonly KeepableSubscription[] {
    return [...this.#open].flatMap(([bridge, { id }]) => {
      const { timeLeft, sequence } = bridge;
      return timeLeft === undefined ? [] : [{ id, timeLeft, sequence, take: () => bridge.snapshot() }];
    });
  }

  /** The PBX that told that user of a dialog by that name, and the Call-ID that it has there. */
  toldDialog(aor: string, name: string): { readonly pbx: string; readonly callId: string } | undefined {
    for (const [{ user, source }, { dialogs }] of this.#open) {
      const callId = user.aor === aor && source?.kind === 'pbx' ? dialogs.callIdOf(name) : undefined;
      if (callId !== undefined && source !== undefined) return { pbx: source.name, callId };
    }
    return undefined;
  }

  /** Ends one, for as long as `reason` says (`endOf`). Undefined when there is none of that id, else whose it was. */
  end(id: string, reason: 'rejected' | 'probation'): string | undefined {
    const [bridge] = [...this.#open].find(([, listed]) => listed.id === id) ?? [];
    bridge?.end(reason);
    return bridge?.user.aor;
  }

  /** A SUBSCRIBE outside a dialog. */
  onSubscribe(request: SipRequest, transaction: ServerTransaction, identity: Identity): void {
    const policy = this.#parts.policy().subscriptions;
    const event = parseEvent(request.headers.get('Event'));
    const name = policy.packages.find((one) => one === event?.package);
    const seconds = secondsAsked(request, policy);
    const refusal = this.#refusal(policy, identity, { isServed: name !== undefined, seconds });
    if (refusal !== undefined || identity.kind !== 'user' || event === undefined || name === undefined) {
      this.#refuse(request, transaction, refusal ?? notAUser);
      return;
    }
    const dialogs = new DialogNames(this.#parts.random);
    const bridge = this.#bridge(identity, event, name, dialogs);
    const { userAgent, admissions } = this.#parts;
    const incoming = userAgent.subscribed(request, transaction, { identity, event, handlers: bridge.handlers });
    if (incoming === undefined) return;
    bridge.attach(incoming);
    const resource = request.uri.slice(0, maxResourceLength);
    this.#open.set(bridge, { id: token(this.#parts.random, 8), event: formatEvent(event), resource, dialogs });
    this.#perUser.set(identity.aor, this.#count(identity.aor) + 1);
    const { via } = policy;
    const { flow } = transaction;
    const way = {
      listener: flow.listener,
      from: { flow },
      isNoCall: true,
      ...(via === undefined ? {} : { via }),
    } as const;
    void admissions.admit(request, identity, way).then((outcome) => {
      if (outcome.kind === 'refused') {
        const { code, status, text } = outcome.refusal;
        this.#told(code);
        bridge.refuse(status, statusReason(status, text));
        return;
      }
      const [[target] = []] = outcome.admission.stages;
      if (target === undefined) bridge.refuse(480, Headers.empty);
      else bridge.open(target, seconds ?? 0);
    });
  }

  /** A NOTIFY outside a dialog: 481, but for what a PBX tells a phone of its messages. */
  onNotify(request: SipRequest, transaction: ServerTransaction, identity: Identity): void {
    const policy = this.#parts.policy().subscriptions;
    const event = parseEvent(request.headers.get('Event'));
    const isServed = policy.unsolicited && identity.kind === 'pbx' && event?.package === 'message-summary';
    if (!isServed) {
      this.#refuse(request, transaction, { code: 'notify-of-nothing', status: 481 });
      return;
    }
    const { admissions, userAgent, random } = this.#parts;
    const name = 'message-summary';
    const checked = bodyForPhone(bodyOf(request), { name, domain: 'invalid', maxBytes: policy.maxBytes });
    if (checked.kind === 'refused') {
      this.#refuse(request, transaction, { code: 'notification-refused', status: checked.status });
      return;
    }
    const state = parseSubscriptionState(request.headers.get('Subscription-State')) ?? {
      kind: 'active',
      expires: undefined,
    };
    const toTag = token(random, 8);
    const respond = (status: number): void => transaction.respond(responseTo(request, status, { toTag }));
    const { flow } = transaction;
    const way = { listener: flow.listener, from: { flow }, isNoCall: true, via: { kind: 'users' } } as const;
    void admissions.admit(request, identity, way).then((outcome) => {
      if (outcome.kind === 'refused') {
        this.#refuse(request, transaction, { code: outcome.refusal.code, status: outcome.refusal.status });
        return;
      }
      relayRequest(userAgent, outcome.admission.stages, respond, (target) => {
        const domain = target.party.name.slice(target.party.name.lastIndexOf('@') + 1);
        const read = bodyForPhone(bodyOf(request), { name, domain, maxBytes: policy.maxBytes });
        const headers = target.headers
          .without('Allow')
          .append('Event', name)
          .append('Subscription-State', formatSubscriptionState(state))
          .append('Contact', userAgent.contactFor(target.destination));
        return { method: 'NOTIFY', headers, body: read.kind === 'body' ? read.body : undefined };
      });
    });
  }

  /** `rejected`: nothing proves that user any more. `probation`: who may still subscribe comes back, and is asked all anew. How many. */
  endOf(aor: string, reason: 'rejected' | 'probation'): number {
    const own = [...this.#open.keys()].filter(({ user }) => user.aor === aor);
    for (const bridge of own) bridge.end(reason);
    return own.length;
  }

  /** The process ends: phones come back to the next one, each at a time of its own. */
  endAll(): void {
    for (const bridge of [...this.#open.keys()]) bridge.end('probation');
  }

  #bridge(user: Subscribing, event: EventName, name: EventPackage, dialogs: DialogNames): SubscriptionBridge {
    const { userAgent, policy, mayStand, random, logger, clock } = this.#parts;
    const bridge: SubscriptionBridge = new SubscriptionBridge({
      maker: userAgent,
      user,
      event,
      name,
      policy: () => policy().subscriptions,
      mayStand,
      clock,
      nameOf: () => (policy().refer === 'handle' ? (callId) => dialogs.nameOf(callId) : undefined),
      onRefused: (code) => this.#told(code),
      retryAfter: () => leastRetrySeconds + random.below(leastRetrySeconds),
      onOver: (end) => {
        this.#open.delete(bridge);
        const left = this.#count(user.aor) - 1;
        if (left > 0) this.#perUser.set(user.aor, left);
        else this.#perUser.delete(user.aor);
        logger.debug('subscription-ended', { user: user.aor, package: name, end });
      },
    });
    return bridge;
  }

  #refusal(
    policy: SubscriptionPolicy,
    identity: Identity,
    { isServed, seconds }: { readonly isServed: boolean; readonly seconds: number | undefined },
  ): Refusal | undefined {
    const { relay, packages, minSeconds, perUser, total } = policy;
    if (!relay) return notServed;
    if (identity.kind !== 'user') return notAUser;
    if (!isServed) {
      return { code: 'event-not-served', status: 489, headers: Headers.of(['Allow-Events', packages.join(', ')]) };
    }
    if (seconds === undefined) {
      return { code: 'interval-too-brief', status: 423, headers: Headers.of(['Min-Expires', String(minSeconds)]) };
    }
    const later = Headers.of(['Retry-After', String(leastRetrySeconds + this.#parts.random.below(leastRetrySeconds))]);
    if (!this.#parts.isAvailable()) return { code: 'draining', status: 503, headers: later };
    if (this.#open.size >= total) return { code: 'subscriptions-of-all', status: 503, headers: later };
    if (this.#count(identity.aor) < perUser) return undefined;
    return { code: 'subscriptions-of-user', status: 403, headers: statusReason(403, 'Too many subscriptions') };
  }

  #refuse(request: SipRequest, transaction: ServerTransaction, { code, status, headers }: Refusal): void {
    this.#told(code);
    transaction.respond(responseTo(request, status, { toTag: token(this.#parts.random, 8), headers }));
  }

  #told(code: string): void {
    this.#parts.onRefused(code);
    this.#parts.logger.info('subscription-refused', { code });
  }

  #count(aor: string): number {
    return this.#perUser.get(aor) ?? 0;
  }
}

const leastRetrySeconds = 10;
/** Of what is listed. */
const maxResourceLength = 128;

const notServed: Refusal = {
  code: 'subscriptions-off',
  status: 405,
  headers: Headers.of(['Allow', allowedMethods], ['Reason', 'SIP;cause=405;text="Subscriptions are not relayed"']),
};

const notAUser: Refusal = {
  code: 'subscriber-not-allowed',
  status: 403,
  headers: statusReason(403, 'Only users subscribe'),
};
