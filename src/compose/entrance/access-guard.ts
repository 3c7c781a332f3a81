// What a user is held to beyond the password, between the gate and policy: from where it came is asked of every request that was
// authenticated, and of those inside a dialog. Why somebody was turned away is told here, and not on the wire.
import type { Logger } from '../../core/logger.ts';
import { type AccessRefusal, type AccessTerms, accessRefusal } from '../../policy/access.ts';
import type { UserAccess } from '../../sip/auth/credentials.ts';
import type { Barrier, GateView } from '../../sip/auth/gate-decision.ts';
import { type Identity, sameIdentity } from '../../sip/auth/identity.ts';
import { essentialsOf } from '../../sip/message/header-fields.ts';
import type { SipRequest } from '../../sip/message/message.ts';
import type { Flow } from '../../sip/transport/transport.ts';
import type { DeviceDesk } from '../site/device-desk.ts';
import type { Site } from '../site/site.ts';

export interface AccessGuardParts {
  /** As configured now. */
  readonly site: () => Pick<Site, 'users' | 'accessOf' | 'admissions'>;
  readonly devices: Pick<DeviceDesk, 'ask' | 'deviceOf' | 'remember' | 'remembered'>;
  /** Whom the dialog that a request is inside of is with, over whatever flow it came. */
  readonly peerOf: (request: SipRequest) => Identity | undefined;
  readonly logger: Logger;
}

type UserIdentity = Extract<Identity, { kind: 'user' }>;

export class AccessGuard {
  readonly #parts: AccessGuardParts;
  /** What whoever a dialog is with was held to when it was looked up: inside of one nobody is asked again. */
  readonly #terms = new WeakMap<Identity, AccessTerms>();
  /** Who placed an emergency call: each stands for the one request, and then for its dialog. */
  readonly #emergencies = new WeakSet<Identity>();

  constructor(parts: AccessGuardParts) {
    this.#parts = parts;
  }

  /** Undefined: the request may go on. */
  readonly barrier: GateView['barrier'] = (request, flow, identity, access) => {
    if (identity.kind !== 'user') return undefined;
    const terms = this.#termsOf(identity, access);
    const { site, devices } = this.#parts;
    if (isUnbound(terms) || this.#isEmergency(request, identity)) return undefined;
    const { aor } = identity;
    const asking = { request, flow, aor, factor: terms.secondFactor, device: devices.remembered(identity) };
    if (access !== undefined) devices.remember(identity, devices.deviceOf(asking));
    const isOutOfZone =
      accessRefusal(aor, { ...terms, secondFactor: 'off' }, site().accessOf(asking), []) !== undefined;
    // Who may not come from there at all has nothing listed for approval.
    if (access !== undefined && !isOutOfZone) devices.ask(asking);
    const refusal = accessRefusal(aor, terms, site().accessOf(asking), []);
    return refusal === undefined ? undefined : this.#refuse(request, flow, identity.aor, refusal);
  };

  /** A call to emergency services, or what changes one; a REFER in it is a call elsewhere. */
  #isEmergency(request: SipRequest, identity: UserIdentity): boolean {
    if (essentialsOf(request).toTag !== undefined) {
      const peer = this.#parts.peerOf(request);
      const isOwn = peer !== undefined && sameIdentity(peer, identity);
      return isOwn && this.#emergencies.has(peer) && request.method !== 'REFER';
    }
    // Another request to such a number is no call.
    const isEmergency = request.method === 'INVITE' && this.#parts.site().admissions.isEmergency(request, identity);
    if (isEmergency) this.#emergencies.add(identity);
    return isEmergency;
  }

  #termsOf(identity: UserIdentity, access: UserAccess | undefined): AccessTerms {
    if (access !== undefined) {
      this.#terms.set(identity, access);
      return access;
    }
    return this.#terms.get(identity) ?? this.#parts.site().users.configuredAccessOf(identity.aor);
  }

  #refuse({ method }: SipRequest, flow: Flow, aor: string, { code, text, detail }: AccessRefusal): Barrier {
    this.#parts.logger.warn('access-refused', { aor, method, code, reason: detail, source: flow.remote.address });
    return { code, text };
  }
}

function isUnbound({ zones, secondFactor }: AccessTerms): boolean {
  return zones.length === 0 && secondFactor === 'off';
}
