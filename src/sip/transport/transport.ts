// The border between SIP transactions and sockets (RFC 3261 §18): flows, destinations, and what each side may ask of the other.
// A transport fills `received` and `rport` of a request's top Via before it hands the request up (RFC 3581).
import type { Millis } from '../../core/clock.ts';
import type { SocketAddress } from '../../core/socket-address.ts';
import type { SipMessage } from '../message/message.ts';
import type { MessageError } from '../message/message-error.ts';

export type TransportName = 'udp' | 'tcp' | 'tls';

/** Where a message came from, and a way back to exactly the same place (RFC 5626). */
export interface Flow {
  /** Unique in the process: the listener and remote of a datagram, the connection of a stream. */
  readonly id: string;
  readonly listener: string;
  readonly network: string;
  readonly transport: TransportName;
  readonly reliable: boolean;
  readonly secure: boolean;
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  /** Verified names of the client certificate (URI and DNS SANs, CN only where there is no SAN); empty without one. */
  readonly peerNames: readonly string[];
}

/** Where a message shall go: over one flow only, or to a next hop by a new or a live connection. */
export type Destination =
  | { readonly kind: 'flow'; readonly flow: Flow }
  | {
      readonly kind: 'next-hop';
      readonly listener: string;
      readonly transport: TransportName;
      readonly host: string;
      readonly port: number;
      /** No port was configured: NAPTR and SRV records of the host may name others (RFC 3263 §4.1, §4.2). */
      readonly discover?: boolean;
      /** Name that TLS asks for (SNI). */
      readonly serverName?: string;
      /** Name that the peer's certificate must carry (RFC 5922). */
      readonly certificateName?: string;
      /** An INVITE that it says nothing to for so long, not even 100, is sent elsewhere. Absent: 64·T1, as for all requests. */
      readonly responseWithin?: Millis;
    };

export interface TransportError {
  /** Stable: 'flow-gone', 'connect-failed', 'send-failed', 'name-mismatch', 'overloaded' … */
  readonly code: string;
  readonly detail: string;
}

/** What the transaction layer sees of the sockets. */
export interface SipTransport {
  /** Sends in the background; `onResult` runs exactly once, with the flow that was used or the reason why there is none. */
  send(
    message: SipMessage,
    to: Destination,
    onResult: (error: TransportError | undefined, flow: Flow | undefined) => void,
  ): void;
  reliable(to: Destination): boolean;
  /** What our Via says towards that destination: the advertised host and port. */
  viaFor(to: Destination): { readonly transport: TransportName; readonly sentBy: string };
  /** Our Contact on that listener, in angle brackets: `<sip:alice@sbc.example.com:5061;transport=tls>`. */
  contactFor(to: Destination, user?: string): string;
  isAlive(flow: Flow): boolean;
}

/** A message as it is on the wire, before TLS. The bytes belong to whoever hands them over: they are copied, or let go. */
export interface WireMessage {
  /** As we see it. */
  readonly direction: 'in' | 'out';
  readonly transport: TransportName;
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  readonly bytes: Uint8Array;
}

/** Sees each message that was understood, or left, and changes nothing. */
export interface MessageTap {
  onSipMessage(callId: string, message: WireMessage): void;
}

/** What a transport hands up. */
export interface TransportEvents {
  /** `bytes` as they came; they are not kept. */
  onMessage(message: SipMessage, flow: Flow, bytes: Uint8Array): void;
  onUnparsable(error: MessageError, flow: Flow): void;
  onFlowClosed(flow: Flow): void;
}
