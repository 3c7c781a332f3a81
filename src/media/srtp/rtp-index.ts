// The packet index of one SSRC: roll-over counter, highest sequence number, and which recent indices were used.
// RFC 3711 §3.3.1 (estimating the roll-over counter), §3.3.2 (replay).
import { ReplayWindow, replayWindowSize } from './replay-window.ts';

const halfSequenceSpace = 0x8000;
const sequenceSpace = 0x10000;

/** Estimating does not change anything; `commit` does, and is called only for a packet that was proven or sent. */
export class RtpIndex {
  #window = new ReplayWindow();
  #rollOver = 0;
  #highestSequence = -1;
  /** Where it stands in the ledger of the key that it is used under. */
  mark = -1;

  /** Goes on after an index that another process wrote down: what lies up to it may have been used. */
  static resumed(highest: number): RtpIndex {
    const index = new RtpIndex();
    index.#window = ReplayWindow.full();
    index.#rollOver = Math.floor(highest / sequenceSpace);
    index.#highestSequence = highest % sequenceSpace;
    return index;
  }

  get rollOver(): number {
    return this.#rollOver;
  }

  /** Reads what the next packet needs, so that it is at hand; changes nothing. */
  preload(): number {
    return this.#window.preload();
  }

  /** -1 before the first packet. */
  get highestSequence(): number {
    return this.#highestSequence;
  }

  /** The whole index, 48 bits; -1 before the first packet. */
  get highest(): number {
    return this.#highestSequence < 0 ? -1 : this.#rollOver * sequenceSpace + this.#highestSequence;
  }

  /** The most likely roll-over counter of a packet with this sequence number; -1 for one before the very first. */
  estimateRollOver(sequence: number): number {
    const highest = this.#highestSequence;
    if (highest < 0) return 0;
    if (highest < halfSequenceSpace)
      return sequence - highest > halfSequenceSpace ? this.#rollOver - 1 : this.#rollOver;
    return highest - halfSequenceSpace > sequence ? this.#rollOver + 1 : this.#rollOver;
  }

  /** True when this index was committed before, lies behind the window, or before the very first packet. */
  isUsed(sequence: number, rollOver: number): boolean {
    if (rollOver < 0) return true;
    return this.#highestSequence >= 0 && this.#window.has(this.#distance(sequence, rollOver));
  }

  /** True when this index is too far behind to know whether it was used. */
  isBehindWindow(sequence: number, rollOver: number): boolean {
    if (rollOver < 0) return true;
    return this.#highestSequence >= 0 && this.#distance(sequence, rollOver) <= -replayWindowSize;
  }

  /** The same position, to go on from: the counter is not reset by a new key (RFC 3711 §3.3.1). */
  copy(): RtpIndex {
    const index = new RtpIndex();
    index.#window = this.#window.copy();
    index.#rollOver = this.#rollOver;
    index.#highestSequence = this.#highestSequence;
    return index;
  }

  commit(sequence: number, rollOver: number): void {
    const distance = this.#highestSequence < 0 ? 1 : this.#distance(sequence, rollOver);
    this.#window.add(distance);
    if (distance <= 0) return;
    this.#highestSequence = sequence;
    this.#rollOver = rollOver;
  }

  #distance(sequence: number, rollOver: number): number {
    return (rollOver - this.#rollOver) * sequenceSpace + sequence - this.#highestSequence;
  }
}
