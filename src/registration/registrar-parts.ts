// What the registrar is made of, and what it tells of registrations.
import type { Millis } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import type { Random } from '../core/random.ts';
import type { Scheduler } from '../core/scheduler.ts';
import type { Flow, Identity } from '../sip/user-agent/session.ts';
import type { RegistrarLimits } from './bindings.ts';
import type { BindingRecord, LocationStore } from './location.ts';
import type { LostFlows } from './lost-flows.ts';

/** A binding whose flow is alive. */
export interface LiveBinding {
  readonly record: BindingRecord;
  readonly flow: Flow;
}

/** Where the phones of a user are. */
export interface Whereabouts {
  readonly here: readonly LiveBinding[];
  /** By the name of the node. */
  readonly elsewhere: ReadonlyMap<string, number>;
}

export interface CamePhone {
  readonly aor: string;
  /** Of its binding. */
  readonly key: string;
  readonly before: string | undefined;
}

/** Who else must know of an AoR: the PBX that its registration is forwarded to. */
export interface Upstream {
  /** Phones are bound to `aor`, the last for `lifetime`. Undefined once the PBX has it, else the status of its refusal. */
  bound(aor: string, lifetime: Millis): Promise<number | undefined>;
  unbound(aor: string): void;
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
  /** Undefined: nobody but us knows of that AoR. */
  readonly upstreamOf: (aor: string) => Upstream | undefined;
  /** A phone of that user came back over another flow (RFC 5626 §5.3). */
  readonly onMoved: (oldFlowId: string, flow: Flow, identity: Identity) => void;
  /** A phone is bound over another flow than before, or for the first time: others may have calls of it. `before`: where it was. */
  readonly onCame?: ((phone: CamePhone, flow: Flow) => void) | undefined;
  /** Flows that phones had; absent: nobody else asks for them. */
  readonly lost?: LostFlows | undefined;
  /** A phone of that user is bound over this flow, anew or again. */
  readonly onRegistered: (aor: string, flow: Flow) => void;
}
