// Text to be scanned, with its characters as bytes beside it: a byte of an array is read in a third of the time that
// `charCodeAt` takes (bench/micro/parse.ts). Scanners look at `codes` and slice `text`; both have the same indices.

export class Source {
  readonly text: string;
  #codes: Buffer | undefined;

  constructor(text: string, codes?: Buffer) {
    this.text = text;
    this.#codes = codes;
  }

  /** [start, end) of UTF-8 bytes. The bytes must not change afterwards. */
  static ofBytes(bytes: Buffer, start: number, end: number): Source {
    const text = bytes.toString('utf8', start, end);
    // UTF-8 takes one byte a UTF-16 unit for ASCII (and for stray bytes) only: equal lengths mean equal indices.
    if (text.length !== end - start) return new Source(text);
    return new Source(text, start === 0 ? bytes : bytes.subarray(start, end));
  }

  /** One for each UTF-16 unit: its code below 128, anything from 128 up for the rest. May be longer than the text. */
  get codes(): Buffer {
    this.#codes ??= codesOf(this.text);
    return this.#codes;
  }
}

function codesOf(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length === text.length) return bytes;
  const codes = Buffer.alloc(text.length);
  for (let index = 0; index < text.length; index += 1) codes[index] = Math.min(text.charCodeAt(index), 255);
  return codes;
}
