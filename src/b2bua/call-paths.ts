// Which ways the calls that run have come, so that one that comes back is known (RFC 3261 §16.3 step 4, RFC 5393 §4.2). A proxy that
// sends our INVITE back leaves its Call-ID, which is ours and 128 random bits; a PBX that makes a call of its own of it, our token; any
// other back-to-back user agent, the half of the caller's Session-ID (RFC 7989 §7), where the caller has one. Who sent it and the number
// that was decided on are what routing depends on: the same of both a second time is a loop, all else a spiral.
import type { Headers } from '../sip/message/headers.ts';
import type { SipRequest } from '../sip/message/message.ts';
import { tokenHeader } from './admission/charging.ts';
import { sessionHalf } from './session-ids.ts';

/** Of one time that a call came by here. */
export interface Visit {
  /** Who sent it, and the number: `pbx:main to 601`. */
  readonly step: string;
  /** How many hops it had left. */
  readonly hops: number;
}

export type CallPath = readonly Visit[];

/**
 * A PBX may ring several devices of one user at once, in calls that have one Session-ID: as many are taken for that. More are a loop
 * through somebody who counts no hops.
 */
export const maxCallsOfSession = 8;

export class CallPaths {
  /** By the Call-ID of an INVITE of ours, by the token of a call, and by its Session-ID, which several calls may have. */
  readonly #paths = new Map<string, readonly CallPath[]>();

  get size(): number {
    return this.#paths.size;
  }

  /** That INVITE, or what is known by that name, has come this way. */
  note(name: string, path: CallPath): void {
    this.#paths.set(name, [...(this.#paths.get(name) ?? []), path]);
  }

  forget(name: string, path: CallPath): void {
    const left = this.#paths.get(name)?.filter((one) => one !== path) ?? [];
    if (left.length === 0) this.#paths.delete(name);
    else this.#paths.set(name, left);
  }

  /** The way by which an INVITE has come, with this time; undefined: it is a loop. A token is believed of a PBX only. */
  extended({ headers }: SipRequest, visit: Visit, isOfPbx: boolean): CallPath | undefined {
    const token = isOfPbx ? headers.get(tokenHeader) : undefined;
    const own = this.#of(headers.get('Call-ID')) ?? this.#of(token);
    if (own !== undefined) return own.some(({ step }) => step === visit.step) ? undefined : [...own, visit];
    const before = this.#of(pathNameOf(headers)) ?? [];
    const same = before.filter(({ step }) => step === visit.step);
    const isLoop = same.some(({ hops }) => hops > visit.hops) || same.length >= maxCallsOfSession;
    return isLoop ? undefined : [...before, visit];
  }

  #of(name: string | undefined): CallPath | undefined {
    return name === undefined ? undefined : this.#paths.get(name)?.at(-1);
  }
}

/** The name that the Session-ID of an INVITE gives its call; undefined: it has none. */
export function pathNameOf(headers: Headers): string | undefined {
  const half = sessionHalf(headers);
  return half === undefined ? undefined : `session ${half}`;
}
