// What the media workers noted of calls that are over, for `portcullis trace --pcap`: the latest calls, within a number of bytes.
import type { HeaderCapture } from '../../media/plane/messages.ts';

export class MediaCaptures {
  readonly #capacity: number;
  readonly #calls = new Map<string, readonly HeaderCapture[]>();
  #bytes = 0;

  /** `capacity` in bytes. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Those of one call take the place of the oldest. */
  add(call: string, captures: readonly HeaderCapture[]): void {
    this.#forget(call);
    const bytes = sizeOf(captures);
    if (bytes === 0 || bytes > this.#capacity) return;
    this.#calls.set(call, captures);
    this.#bytes += bytes;
    for (const oldest of this.#calls.keys()) {
      if (this.#bytes <= this.#capacity) return;
      this.#forget(oldest);
    }
  }

  of(call: string): readonly HeaderCapture[] {
    return this.#calls.get(call) ?? [];
  }

  #forget(call: string): void {
    this.#bytes -= sizeOf(this.of(call));
    this.#calls.delete(call);
  }
}

function sizeOf(captures: readonly HeaderCapture[]): number {
  return captures.reduce((bytes, { received, sent }) => bytes + received.length + sent.length, 0);
}
