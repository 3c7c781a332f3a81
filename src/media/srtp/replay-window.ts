// Which of the last 128 indices were seen: bit k of the window stands for `highest - k`.
// RFC 3711 §3.3.2 asks for 64 at least. The caller owns `highest`; here are distances to it only.

/** Indices further than this behind the highest are refused, seen or not. */
export const replayWindowSize = 128;

export class ReplayWindow {
  #word0 = 0;
  #word1 = 0;
  #word2 = 0;
  #word3 = 0;

  /** Reads what `has` needs, so that it is at hand. */
  preload(): number {
    return this.#word0;
  }

  /** True when the index at `distance` from the highest was seen, or lies behind the window. */
  has(distance: number): boolean {
    if (distance > 0) return false;
    const behind = -distance;
    if (behind >= replayWindowSize) return true;
    return ((this.#wordAt(behind >>> 5) >>> (behind & 31)) & 1) === 1;
  }

  /** Records the index at `distance`; a positive one becomes the highest. Call only after `has` said false. */
  add(distance: number): void {
    if (distance <= 0) {
      const behind = -distance;
      this.#set(behind >>> 5, 1 << (behind & 31));
      return;
    }
    this.#slide(distance);
    this.#word0 |= 1;
  }

  /** Everything up to the highest counts as seen: what was is not known any more. */
  static full(): ReplayWindow {
    const window = new ReplayWindow();
    window.#word0 = window.#word1 = window.#word2 = window.#word3 = -1;
    return window;
  }

  copy(): ReplayWindow {
    const window = new ReplayWindow();
    window.#word0 = this.#word0;
    window.#word1 = this.#word1;
    window.#word2 = this.#word2;
    window.#word3 = this.#word3;
    return window;
  }

  #slide(distance: number): void {
    if (distance >= replayWindowSize) {
      this.#word0 = this.#word1 = this.#word2 = this.#word3 = 0;
      return;
    }
    for (let words = distance >>> 5; words > 0; words--) {
      this.#word3 = this.#word2;
      this.#word2 = this.#word1;
      this.#word1 = this.#word0;
      this.#word0 = 0;
    }
    const bits = distance & 31;
    if (bits === 0) return;
    const carry = 32 - bits;
    this.#word3 = (this.#word3 << bits) | (this.#word2 >>> carry);
    this.#word2 = (this.#word2 << bits) | (this.#word1 >>> carry);
    this.#word1 = (this.#word1 << bits) | (this.#word0 >>> carry);
    this.#word0 <<= bits;
  }

  #wordAt(index: number): number {
    if (index === 0) return this.#word0;
    if (index === 1) return this.#word1;
    return index === 2 ? this.#word2 : this.#word3;
  }

  #set(index: number, bit: number): void {
    if (index === 0) this.#word0 |= bit;
    else if (index === 1) this.#word1 |= bit;
    else if (index === 2) this.#word2 |= bit;
    else this.#word3 |= bit;
  }
}
