// The To-tag of an answer that leaves no state: a keyed hash of the request, so that the ACK to it is known again (RFC 3261 §8.2.7).
// Retransmissions of the request get the same tag, and nobody else can make one.
import type { KeyObject } from 'node:crypto';
import { essentialsOf } from '../message/header-fields.ts';
import type { SipRequest } from '../message/message.ts';
import { sameDigest } from './digest.ts';
import { deriveKey, keyedHash } from './keyed-hash.ts';

const tagBytes = 15;

export class StatelessTags {
  readonly #key: KeyObject;

  constructor(secret: Uint8Array) {
    this.#key = deriveKey(secret, 'to-tag');
  }

  /** 20 characters, the same for each copy of the request and for the ACK to a non-2xx answer to it (§17.1.1.3). */
  tagFor(request: SipRequest): string {
    const { callId, fromTag, cseq, via } = essentialsOf(request);
    const parts = [callId, fromTag ?? '', `${cseq.sequence}`, via.branch ?? ''];
    return keyedHash(this.#key, ...parts).toString('base64url', 0, tagBytes);
  }

  /** Whether the To-tag of this ACK is one that `tagFor` gave to its request. */
  isOurs(ack: SipRequest): boolean {
    const { toTag } = essentialsOf(ack);
    return toTag !== undefined && sameDigest(toTag, this.tagFor(ack));
  }
}
