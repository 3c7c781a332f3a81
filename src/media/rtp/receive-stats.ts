// What arrived at an endpoint: packets, bytes, loss by sequence numbers, interarrival jitter.
// RFC 3550 §A.1 (sequence), §A.3 (loss), §6.4.1 and §A.8 (jitter). Integers only: one call a packet, nothing allocated.

/** A forward jump up to this is loss; a larger one, seen twice in a row, is a restart (RFC 3550 §A.1). */
const maxDropout = 3000;
const maxMisorder = 100;
const sequenceSpace = 0x10000;

export class ReceiveStats {
  packets = 0;
  bytes = 0;
  #ssrc = 0;
  #hasSource = false;
  #baseSequence = 0;
  #maxSequence = 0;
  #cycles = 0;
  #receivedOfSource = 0;
  #badSequence = -1;
  #lostBefore = 0;
  #clockRate = 0;
  #timestamp = 0;
  #transit = 0;
  #hasTransit = false;
  /** In 1/16 of a timestamp unit. */
  #scaledJitter = 0;

  /** SSRC and timestamp as signed 32 bits. `clockRate` in Hz, 0 when unknown: then the packet says nothing about jitter. */
  record(
    ssrc: number,
    sequence: number,
    timestamp: number,
    clockRate: number,
    arrivalMillis: number,
    sizeBytes: number,
  ): void {
    this.packets += 1;
    this.bytes += sizeBytes;
    if (!this.#hasSource || ssrc !== this.#ssrc) this.#startSource(ssrc, sequence);
    else this.#follow(sequence);
    if (clockRate !== 0) this.#measure(timestamp, clockRate, arrivalMillis);
  }

  /** Reads what `record` needs, so that it is at hand; changes nothing. */
  preload(): number {
    return this.packets ^ this.#receivedOfSource ^ this.#scaledJitter;
  }

  /** Packets that never came; late and repeated ones are not made up against others (never below 0). */
  get lost(): number {
    return this.#lostBefore + this.#lostOfSource();
  }

  get jitterMillis(): number {
    return this.#clockRate === 0 ? 0 : ((this.#scaledJitter / 16) * 1000) / this.#clockRate;
  }

  #startSource(ssrc: number, sequence: number): void {
    this.#lostBefore += this.#lostOfSource();
    this.#ssrc = ssrc;
    this.#hasSource = true;
    this.#baseSequence = sequence;
    this.#maxSequence = sequence;
    this.#cycles = 0;
    this.#receivedOfSource = 1;
    this.#badSequence = -1;
    this.#hasTransit = false;
  }

  #follow(sequence: number): void {
    const ahead = (sequence - this.#maxSequence) & 0xffff;
    if (ahead < maxDropout) {
      if (sequence < this.#maxSequence) this.#cycles += sequenceSpace;
      this.#maxSequence = sequence;
    } else if (ahead <= sequenceSpace - maxMisorder) {
      if (sequence === this.#badSequence) {
        this.#startSource(this.#ssrc, sequence);
        return;
      }
      this.#badSequence = (sequence + 1) & 0xffff;
      return;
    }
    this.#receivedOfSource += 1;
  }

  #lostOfSource(): number {
    if (!this.#hasSource) return 0;
    const expected = this.#cycles + this.#maxSequence - this.#baseSequence + 1;
    return Math.max(0, expected - this.#receivedOfSource);
  }

  /** Packets of one frame or one telephone event share a timestamp: only its first tells about the network. */
  #measure(timestamp: number, clockRate: number, arrivalMillis: number): void {
    const isSameClock = this.#hasTransit && clockRate === this.#clockRate;
    if (isSameClock && timestamp === this.#timestamp) return;
    const arrival = Math.trunc((arrivalMillis * clockRate) / 1000) | 0;
    const transit = (arrival - timestamp) | 0;
    if (isSameClock) {
      const difference = Math.abs((transit - this.#transit) | 0);
      // A jump of more than ten seconds is a new time base, not jitter.
      if (difference < clockRate * 10) this.#scaledJitter += difference - ((this.#scaledJitter + 8) >> 4);
    } else {
      this.#scaledJitter = 0;
      this.#clockRate = clockRate;
      this.#hasTransit = true;
    }
    this.#timestamp = timestamp;
    this.#transit = transit;
  }
}
