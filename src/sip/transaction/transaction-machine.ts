// What goes into a transaction machine and what comes out (RFC 3261 §17). A machine is pure: the same inputs give the same
// outputs. One input is handled at a time and its outputs are applied in order before the next one.
import type { Millis } from '../../core/clock.ts';
import type { SipMessage, SipRequest, SipResponse } from '../message/message.ts';
import type { TransportError } from '../transport/transport.ts';
import type { TimerName } from './timers.ts';

export type TransactionOutput =
  /** Hand the message to the transport, to where the transaction's other messages go. */
  | { readonly type: 'send'; readonly message: SipMessage }
  /** Hand the message to the transaction user. */
  | { readonly type: 'deliver'; readonly message: SipMessage }
  /** A 2xx that came after the outcome: it belongs to the transaction user, not to this transaction. */
  | { readonly type: 'stray'; readonly response: SipResponse }
  /** Start the timer, or start it anew when it runs. */
  | { readonly type: 'start'; readonly timer: TimerName; readonly delay: Millis }
  | { readonly type: 'stop'; readonly timer: TimerName }
  /** The peer did not answer; always followed by 'terminated'. */
  | { readonly type: 'timeout' }
  | { readonly type: 'transport-error'; readonly error: TransportError }
  /** The last output of all. No timer counts any more. */
  | { readonly type: 'terminated' };

export type ClientInput =
  | { readonly type: 'response'; readonly response: SipResponse }
  | { readonly type: 'timer'; readonly timer: TimerName }
  | { readonly type: 'transport-error'; readonly error: TransportError }
  /** A CANCEL was sent for this INVITE; it now has 64 · T1 to end (RFC 3261 §9.1). */
  | { readonly type: 'cancelled' };

export type ServerInput =
  | { readonly type: 'request'; readonly request: SipRequest }
  | { readonly type: 'respond'; readonly response: SipResponse }
  | { readonly type: 'timer'; readonly timer: TimerName }
  | { readonly type: 'transport-error'; readonly error: TransportError };

export type InviteClientState = 'calling' | 'proceeding' | 'accepted' | 'completed' | 'terminated';
export type NonInviteClientState = 'trying' | 'proceeding' | 'completed' | 'terminated';
export type InviteServerState = 'proceeding' | 'accepted' | 'completed' | 'confirmed' | 'terminated';
export type NonInviteServerState = 'trying' | 'proceeding' | 'completed' | 'terminated';

export interface ClientMachine {
  readonly state: InviteClientState | NonInviteClientState;
  /** Called once, before any input. */
  start(): readonly TransactionOutput[];
  handle(input: ClientInput): readonly TransactionOutput[];
}

export interface ServerMachine {
  readonly state: InviteServerState | NonInviteServerState;
  /** The first input is the request that made the transaction. */
  handle(input: ServerInput): readonly TransactionOutput[];
}

export const nothing: readonly TransactionOutput[] = [];
export const terminated: TransactionOutput = { type: 'terminated' };
export const timedOut: readonly TransactionOutput[] = [{ type: 'timeout' }, terminated];

export function send(message: SipMessage): TransactionOutput {
  return { type: 'send', message };
}

export function deliver(message: SipMessage): TransactionOutput {
  return { type: 'deliver', message };
}

export function start(timer: TimerName, delay: Millis): TransactionOutput {
  return { type: 'start', timer, delay };
}

export function stop(timer: TimerName): TransactionOutput {
  return { type: 'stop', timer };
}
