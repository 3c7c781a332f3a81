// What a peer can make a listener hold or wait for. Each limit closes the connection that exceeds it.
import type { Millis } from '../../core/clock.ts';
import { defaultMessageLimits, type MessageLimits } from '../message/limits.ts';

export interface TransportLimits {
  /** Connections that one listener holds, those in a handshake included. */
  readonly connections: number;
  /** Of these from one source (an IPv4 address, an IPv6 /64); an office behind one NAT shares it. */
  readonly connectionsPerAddress: number;
  /** Handshakes in progress from one source. */
  readonly handshakesPerAddress: number;
  /** From the first byte of a handshake to its end, however the bytes are dribbled. */
  readonly handshakeTimeout: Millis;
  /** From the end of the handshake to the end of the first message. */
  readonly firstMessageTimeout: Millis;
  /** From the first byte of a message to its last. */
  readonly messageTimeout: Millis;
  /** For a peer that connected to us and that was not served yet: no 2xx and no request of ours went to it. */
  readonly unservedTimeout: Millis;
  /**
   * Without any byte from a peer that was served. Longer than any registration is granted, since a phone without keep-alives
   * (RFC 5626 §4.4.1) is silent in between; a peer that is gone is found by TCP's own keep-alives.
   */
  readonly idleTimeout: Millis;
  /** For what still waits to be read by a peer whose connection is over. */
  readonly lingerTimeout: Millis;
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
  unservedTimeout: 60_000,
  idleTimeout: 7_200_000,
  lingerTimeout: 5_000,
  sendQueueBytes: 256_000,
  connectTimeout: 5_000,
  waitingMessages: 256,
  message: defaultMessageLimits,
};

/** TCP keep-alives begin after this silence: they find peers that are gone and keep NAT bindings. */
export const keepAliveDelay: Millis = 60_000;
