// What the setting up of a call gives to the call after each input: what must be done, and whether it is over.
import type { Refusal } from '../../policy/verdict.ts';
import type { CallOutput } from './call-event.ts';
import type { Exchange } from './exchange.ts';
import type { Leg } from './leg.ts';

export interface SetupStep {
  readonly outputs: readonly CallOutput[];
  readonly next:
    | { readonly kind: 'waiting' }
    /** `toCaller` is undefined when the caller has acknowledged the answer before; with `exchange` it is an offer. */
    | {
        readonly kind: 'answered';
        readonly caller: Leg;
        /** The early dialog of the caller that becomes the call. */
        readonly dialog: number;
        readonly callee: Leg;
        readonly toCaller: Uint8Array | undefined;
        readonly exchange: Exchange | undefined;
      }
    /** `refusal`: it was us, not a target, that could not go on. */
    /** And the Reason that the target gave (RFC 6432). */
    | {
        readonly kind: 'failed';
        readonly status: number;
        readonly refusal: Refusal | undefined;
        readonly reason: string | undefined;
      };
}

/** What was to be done before comes first. */
export function after(outputs: readonly CallOutput[], step: SetupStep): SetupStep {
  return { outputs: [...outputs, ...step.outputs], next: step.next };
}

export function waiting(outputs: readonly CallOutput[]): SetupStep {
  return { outputs, next: { kind: 'waiting' } };
}
