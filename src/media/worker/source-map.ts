// Which SSRC a source has on its way out of an endpoint. Usually its own; a fresh one when another source takes over, or
// the same one starts its numbering again, so that under one key no (SSRC, index) is ever used twice.
// RFC 3711 §9.1; RFC 3550 §8 (collisions), §7.1 (translators keep SSRCs apart).
import type { Random } from '../../core/random.ts';
import type { SourceNames } from '../rtp/rtcp-packet.ts';

export const sourceMapLimits = {
  /** SSRCs from one joined endpoint; beyond it all of them are forgotten and named anew. */
  sources: 256,
} as const;

/** Tells whether something left under an SSRC (signed 32 bits) before. */
export interface UsedSources {
  hasUsed(ssrc: number): boolean;
}

export class SourceMap implements SourceNames {
  /** The way back: the SSRC by which the joined endpoint knows what leaves here under another. */
  readonly originals: SourceNames = { translate: (ssrc) => this.#in.get(ssrc) ?? ssrc };
  readonly #random: Random;
  readonly #out = new Map<number, number>();
  readonly #in = new Map<number, number>();
  #used: UsedSources | undefined;
  /** The last answer: one stream is by far the usual case. */
  #lastIn = 0;
  #lastOut = 0;
  #hasLast = false;
  #refused = -1;
  /** Another process used this key: only these SSRCs are known to go on where it stopped. Undefined: nobody did. */
  #continued: ReadonlySet<number> | undefined;

  constructor(random: Random) {
    this.#random = random;
  }

  /** From now on packets leave under this key; undefined without one, and then every SSRC keeps its name. */
  protectedBy(used: UsedSources | undefined): void {
    this.#used = used;
  }

  /** The names that another process had given; those that cannot go on are given anew, and so is every source not known there. */
  resume(names: readonly (readonly [from: number, to: number])[], continued: ReadonlySet<number>): void {
    this.changeFeeder();
    this.#continued = continued;
    for (const [from, to] of names.slice(0, sourceMapLimits.sources)) {
      if (this.#used !== undefined && !continued.has(to)) continue;
      this.#out.set(from, to);
      this.#in.set(to, from);
    }
  }

  /** Source by source: how it comes, and how it leaves. */
  get names(): readonly (readonly [from: number, to: number])[] {
    return [...this.#out];
  }

  /** Another endpoint is joined, or the same one again: whatever comes now is a new source. */
  changeFeeder(): void {
    this.#out.clear();
    this.#in.clear();
    this.#hasLast = false;
    this.#refused = -1;
    if (this.#continued !== undefined) this.#continued = none;
  }

  /** Reads what `translate` needs; see `PacketFlow.preload`. */
  preload(): number {
    return this.#lastIn ^ this.#refused;
  }

  /** The SSRC that a packet with this one leaves with; both signed 32 bits. */
  translate(ssrc: number): number {
    if (this.#hasLast && ssrc === this.#lastIn) return this.#lastOut;
    const out = this.#out.get(ssrc) ?? this.#name(ssrc);
    this.#lastIn = ssrc;
    this.#lastOut = out;
    this.#hasLast = true;
    return out;
  }

  /**
   * The protection refused this sequence number as too far behind. The second in a row is a source that started again
   * (RFC 3550 §A.1): it gets a new name, and true says that the packet can be tried under it.
   */
  isRestart(ssrc: number, sequence: number): boolean {
    if (sequence !== this.#refused) {
      this.#refused = (sequence + 1) & 0xffff;
      return false;
    }
    this.#forget(ssrc);
    return true;
  }

  /** A packet was accepted: refusals before it were not a restart. */
  accepted(): void {
    this.#refused = -1;
  }

  #name(ssrc: number): number {
    if (this.#out.size >= sourceMapLimits.sources) this.changeFeeder();
    // The snapshot may be older than a source that the ledger knows by its own name: that one goes on.
    const goesOn = this.#continued?.has(ssrc) === true && !this.#in.has(ssrc);
    let out = this.#continued === undefined || goesOn ? ssrc : this.#fresh();
    while (!(goesOn && out === ssrc) && this.#isTaken(out)) out = this.#fresh();
    this.#out.set(ssrc, out);
    this.#in.set(out, ssrc);
    return out;
  }

  #isTaken(out: number): boolean {
    return this.#used !== undefined && (this.#used.hasUsed(out) || this.#in.has(out));
  }

  #fresh(): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.#random.bytes(4);
    return (a << 24) | (b << 16) | (c << 8) | d;
  }

  #forget(ssrc: number): void {
    const out = this.#out.get(ssrc);
    if (out !== undefined) this.#in.delete(out);
    this.#out.delete(ssrc);
    this.#hasLast = false;
  }
}

const none: ReadonlySet<number> = new Set();
