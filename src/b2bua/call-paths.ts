// Which ways the calls that run have come, so that one that comes back is known (RFC 3261 §16.3 step 4, RFC 5393 §4.2). A proxy that
// sends our INVITE back leaves its Call-ID, which is ours and 128 random bits; a PBX that makes a call of its own of it, our token. Who
// sent it and the number that was decided on are what routing depends on: the same of both a second time is a loop, all else a spiral.
import type { SipRequest } from '../sip/message/message.ts';
import { tokenHeader } from './charging.ts';

/** Of each time that a call came by here: who sent it, and the number. */
export type CallPath = readonly string[];

export class CallPaths {
  /** By the Call-ID of an INVITE of ours, and by the token of a call. */
  readonly #paths = new Map<string, CallPath>();

  get size(): number {
    return this.#paths.size;
  }

  /** That INVITE, or what is known by that token, has come this way. */
  note(name: string, path: CallPath): void {
    this.#paths.set(name, path);
  }

  forget(names: Iterable<string>): void {
    for (const name of names) this.#paths.delete(name);
  }

  /** The way by which this INVITE comes back; empty: it has not been here. A token is believed of a PBX only. */
  of({ headers }: SipRequest, isOfPbx: boolean): CallPath {
    const token = isOfPbx ? headers.get(tokenHeader) : undefined;
    return this.#paths.get(headers.get('Call-ID') ?? '') ?? this.#paths.get(token ?? '') ?? none;
  }
}

const none: CallPath = [];
