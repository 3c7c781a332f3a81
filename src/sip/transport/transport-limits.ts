// What a peer can make a listener hold or wait for. Each limit closes the connection that exceeds it, and counts.
import type { Millis } from '../../core/clock.ts';
import { defaultMessageLimits, type MessageLimits } from '../message/limits.ts';

export interface TransportLimits {
  /** Connections that one listener holds, those in a handshake included. */
  readonly connections: number;
  /** Of these from one source address; an office behind one NAT shares it. */
  readonly connectionsPerAddress: number;
  /** Handshakes in progress from one source address. */
  readonly handshakesPerAddress: number;
  readonly handshakeTimeout: Millis;
  /** From the end of the handshake to the end of the first message. */
  readonly firstMessageTimeout: Millis;
  /** From the first byte of a message to its last. */
  readonly messageTimeout: Millis;
  /** Without any byte from the peer, keep-alives included (RFC 5626 §4.4.1 has phones send one every 120 s at most). */
  readonly idleTimeout: Millis;
  /** Bytes that wait for a peer that reads slowly. */
  readonly sendQueueBytes: number;
  /** To a next hop: name, TCP and TLS together. */
  readonly connectTimeout: Millis;
  /** Messages that wait for one connection to be made. */
  readonly waitingMessages: number;
  readonly message: MessageLimits;
}

export const defaultTransportLimits: TransportLimits = {
  connections: 20_000,
  connectionsPerAddress: 256,
  handshakesPerAddress: 32,
  handshakeTimeout: 5_000,
  firstMessageTimeout: 10_000,
  messageTimeout: 10_000,
  idleTimeout: 600_000,
  sendQueueBytes: 262_144,
  connectTimeout: 5_000,
  waitingMessages: 256,
  message: defaultMessageLimits,
};
