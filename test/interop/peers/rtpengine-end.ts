// One side of a call whose media rtpengine protects: SDP by its control protocol, and a plain end behind it that plays and hears.
import type { Bencoded, NgClient } from '../../../bench/relay/ng-client.ts';
import type { PlainEnd } from './plain-end.ts';
import type { Describer } from './sdp-phone.ts';

export interface RtpengineTerms {
  /** Outside, as it offers and answers. */
  readonly protocol: 'RTP/AVP' | 'RTP/SAVP' | 'UDP/TLS/RTP/SAVP';
  /** What becomes of SDP on its way from rtpengine, and to it. */
  readonly bend: (sdp: string) => string;
  readonly flags?: { readonly [key: string]: Bencoded };
}

/** One call of rtpengine, between a plain end inside and us outside. */
export class RtpengineEnd implements Describer {
  readonly #ng: NgClient;
  readonly #terms: RtpengineTerms;
  readonly #end: PlainEnd;
  readonly #call: string;
  /** What we said. */
  ours = '';

  constructor(ng: NgClient, terms: RtpengineTerms, end: PlainEnd, call: string) {
    this.#ng = ng;
    this.#terms = terms;
    this.#end = end;
    this.#call = call;
  }

  async offer(): Promise<string> {
    const offer = await this.#ng.describe('offer', {
      ...this.#to(this.#terms.protocol),
      ...this.#terms.flags,
      sdp: this.#end.sdp,
    });
    return this.#terms.bend(offer);
  }

  async onAnswer(answer: string): Promise<void> {
    this.ours = answer;
    this.#end.playTo(await this.#ng.describe('answer', { ...this.#to('RTP/AVP'), 'to-tag': 'b', sdp: answer }));
  }

  async answerTo(offer: string): Promise<string> {
    this.ours = offer;
    // It begins with the offer as if it were active, whatever it answers then: that ClientHello must harm nobody.
    const inward = {
      ...this.#to('RTP/AVP'),
      ...this.#terms.flags,
      direction: ['outside', 'inside'],
      sdp: this.#terms.bend(offer),
    };
    this.#end.playTo(await this.#ng.describe('offer', inward));
    const outward = { ...this.#to(this.#terms.protocol), ...this.#terms.flags, 'to-tag': 'b', sdp: this.#end.sdp };
    return this.#ng.describe('answer', outward);
  }

  #to(protocol: string) {
    return {
      'call-id': this.#call,
      'from-tag': 'a',
      'transport-protocol': protocol,
      direction: ['inside', 'outside'],
      replace: ['origin'],
      ICE: 'remove',
    };
  }
}
