// The part of DER (X.690 §10, §11) that a certificate is written in. Every function returns one whole element.

/** Bytes of an element: identifier, length, contents. */
export type Der = Uint8Array;

export function sequence(...elements: readonly Der[]): Der {
  return element(0x30, ...elements);
}

/** Of one element here, so the order of DER (X.690 §11.6) is no question. */
export function setOf(only: Der): Der {
  return element(0x31, only);
}

/** A non-negative whole number of any length, most significant byte first. */
export function integer(magnitude: Uint8Array): Der {
  const first = magnitude.findIndex((byte) => byte !== 0);
  const digits = first < 0 ? Uint8Array.of(0) : magnitude.subarray(first);
  // A leading one bit would make it negative (X.690 §8.3).
  return (digits[0] ?? 0) >= 0x80 ? element(0x02, Uint8Array.of(0), digits) : element(0x02, digits);
}

export function boolean(value: boolean): Der {
  return element(0x01, Uint8Array.of(value ? 0xff : 0));
}

/** `2.5.29.17` (X.690 §8.19). */
export function objectIdentifier(dotted: string): Der {
  const [first = 0, second = 0, ...arcs] = dotted.split('.').map(Number);
  return element(0x06, Uint8Array.from([first * 40 + second, ...arcs].flatMap(base128)));
}

export function utf8String(text: string): Der {
  return element(0x0c, new TextEncoder().encode(text));
}

export function octetString(bytes: Uint8Array): Der {
  return element(0x04, bytes);
}

export function bitString(bytes: Uint8Array, unusedBits = 0): Der {
  return element(0x03, Uint8Array.of(unusedBits), bytes);
}

/** UTCTime until 2049, GeneralizedTime from 2050 on (RFC 5280 §4.1.2.5). Whole seconds. */
export function time(epochMillis: number): Der {
  const date = new Date(epochMillis);
  const digits = date.toISOString().slice(0, 19).replaceAll(/[-:T]/g, '');
  const isShort = date.getUTCFullYear() < 2050;
  return element(isShort ? 0x17 : 0x18, new TextEncoder().encode(`${isShort ? digits.slice(2) : digits}Z`));
}

/** `[tag] IMPLICIT` around something primitive. */
export function contextPrimitive(tag: number, bytes: Uint8Array): Der {
  return element(0x80 | tag, bytes);
}

/** `[tag] EXPLICIT`. */
export function contextConstructed(tag: number, ...elements: readonly Der[]): Der {
  return element(0xa0 | tag, ...elements);
}

function element(identifier: number, ...contents: readonly Uint8Array[]): Der {
  const body = Buffer.concat(contents);
  return Buffer.concat([Uint8Array.of(identifier, ...lengthOf(body.length)), body]);
}

function lengthOf(size: number): readonly number[] {
  if (size < 0x80) return [size];
  const bytes: number[] = [];
  for (let rest = size; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return [0x80 | bytes.length, ...bytes];
}

function base128(arc: number): readonly number[] {
  const bytes = [arc % 128];
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) bytes.unshift(0x80 | (rest % 128));
  return bytes;
}
