// Who is reachable where: bindings of an address of record to contacts (RFC 3261 §10.3), as they are kept.
import type { EpochMillis } from '../core/clock.ts';
import type { SocketAddress } from '../core/socket-address.ts';

/** One binding, a plain versioned record. */
export interface BindingRecord {
  readonly v: 3;
  /** `alice@pbx.test`. */
  readonly aor: string;
  /** The Contact URI as it came; what a call's Request-URI will be. */
  readonly contact: string;
  /** What makes it the same phone: its instance and reg-id (RFC 5626), else its contact URI. */
  readonly key: string;
  readonly callId: string;
  readonly sequence: number;
  /** 0 to 1 (RFC 3261 §20.10). */
  readonly priority: number;
  readonly expiresAt: EpochMillis;
  /** The flow that it registered over; calls reach it over this flow and no other. */
  readonly flowId: string;
  readonly listener: string;
  readonly userAgent: string | undefined;
  /** Where a phone is that registered by datagrams: it is there for the next process too. A connection ends with its own. Versions 1 and 2 had none. */
  readonly datagram: DatagramFlow | undefined;
  /** Between us and the phone, the nearest first: the Route of requests to it (RFC 3327 §5.3). Version 1 had none. */
  readonly path: readonly string[];
  /** The other node of the site whose flow it stands on; absent: this one's. */
  readonly node?: string;
}

export interface DatagramFlow {
  readonly network: string;
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
}

/** Keeps bindings. Every method may be slow or fail (a rejected promise: the REGISTER is answered 503). */
export interface LocationStore {
  find(aor: string): Promise<readonly BindingRecord[]>;
  /** Replaces all bindings of `aor`; none removes it. `before`: what `find` gave; what others changed since then stays changed. */
  save(aor: string, bindings: readonly BindingRecord[], before?: readonly BindingRecord[]): Promise<void>;
  all(): Promise<readonly BindingRecord[]>;
}
