// HMAC-SHA1 over packet memory (RFC 2104). The fast form keeps the hash state after the two key pads and runs one
// SHA1_Update for each half, padding by hand; where SHA1_Update is gone, EVP_MAC does it at about a third more.
import { SbcError } from '../../core/errors.ts';
import type { Arena } from './arena.ts';
import type { Openssl, Sha1 } from './openssl.ts';

export interface HmacSha1 {
  /**
   * Leaves the 160 bits as five words in the host's byte order at `result` of the factory. Destroys up to 76 bytes that
   * follow the `length` bytes. `offset` is a multiple of 4.
   */
  digest(offset: number, length: number): void;
  /** Forgets the key. */
  close(): void;
}

export interface HmacSha1Factory {
  readonly form: 'sha1-update' | 'evp-mac';
  /** Index of the first of five result words in the arena's `words`. */
  readonly result: number;
  /** `key` has 64 bytes at most; it is not kept. */
  open(key: Uint8Array): HmacSha1;
}

/** The fast form, whose keys are a few words of the arena: for whoever keeps them with others of its own. */
export interface HmacSha1Words {
  /** Writes what `digest` needs of a key of 64 bytes at most: `hmacStateBytes` at a multiple of 4. */
  prepare(key: Uint8Array, states: number): void;
  /** As `HmacSha1.digest`. */
  digest(states: number, offset: number, length: number): void;
  readonly result: number;
}

/** Undefined where it cannot be had. */
export function hmacSha1Words(arena: Arena, openssl: Openssl): HmacSha1Words | undefined {
  return openssl.sha1 === undefined ? undefined : new PaddedHmacFactory(arena, openssl.sha1);
}

/** The fast form where it can be had; `allowed` forces the other in tests. */
export function hmacSha1Factory(arena: Arena, openssl: Openssl, allowed: 'any' | 'evp-mac' = 'any'): HmacSha1Factory {
  return openssl.sha1 === undefined || allowed === 'evp-mac'
    ? new MacHmacFactory(arena, openssl)
    : new PaddedHmacFactory(arena, openssl.sha1);
}

const blockBytes = 64;
const digestBytes = 20;
/** SHA_CTX: h0–h4, bit count (2 words), 64 bytes of data, number of bytes in it. */
const sha1ContextBytes = 96;
const pendingBytesWord = 23;

class PaddedHmacFactory implements HmacSha1Factory, HmacSha1Words {
  readonly form = 'sha1-update';
  readonly result: number;
  readonly #scratch: PaddedScratch;

  constructor(arena: Arena, sha1: Sha1) {
    const context = arena.allocate(sha1ContextBytes);
    const block = arena.allocate(blockBytes);
    this.#scratch = {
      arena,
      sha1,
      bytes: arena.bytes,
      words: arena.words,
      context: context >> 2,
      contextAddress: arena.address(context, sha1ContextBytes),
      block: block >> 2,
      blockAddress: arena.address(block, blockBytes),
    };
    this.result = this.#scratch.context;
  }

  open(key: Uint8Array): HmacSha1 {
    const states = this.#scratch.arena.allocate(hmacStateBytes, 64);
    this.prepare(key, states);
    return new PaddedHmac(this.#scratch.arena, this, states);
  }

  prepare(key: Uint8Array, states: number): void {
    const { words } = this.#scratch;
    words.set(this.#stateAfter(key, 0x36), states >> 2);
    words.set(this.#stateAfter(key, 0x5c), (states + stateBytes) >> 2);
  }

  digest(states: number, offset: number, length: number): void {
    const { arena, sha1, words, context, contextAddress, block, blockAddress } = this.#scratch;
    const padded = (length + 9 + blockBytes - 1) & ~(blockBytes - 1);
    const address = arena.address(offset, padded);
    const inner = states >> 2;
    pad(this.#scratch, offset, length, padded);
    restore(words, inner, context);
    sha1.update(contextAddress, address, padded);

    for (let word = 0; word < stateWords; word++) words[block + word] = swapped(words[context + word] ?? 0);
    words[block + 5] = 0x80;
    for (let word = 6; word < 15; word++) words[block + word] = 0;
    words[block + 15] = outerBits;
    restore(words, inner + stateWords, context);
    sha1.update(contextAddress, blockAddress, blockBytes);
  }

  #stateAfter(key: Uint8Array, pad: number): Int32Array {
    const { sha1, bytes, words, block, blockAddress, context, contextAddress } = this.#scratch;
    const start = block << 2;
    for (let index = 0; index < blockBytes; index++) bytes[start + index] = (key[index] ?? 0) ^ pad;
    sha1.init(contextAddress);
    sha1.update(contextAddress, blockAddress, blockBytes);
    const state = words.slice(context, context + stateWords);
    bytes.fill(0, start, start + blockBytes);
    words.fill(0, context, context + sha1ContextBytes / 4);
    return state;
  }
}

const stateWords = 5;
const stateBytes = 4 * stateWords;
/** The states after inner and outer pad. */
export const hmacStateBytes = 2 * stateBytes;

/** One for all keys of a thread, so that a key costs a cache line and little more: with many calls memory is what is slow. */
interface PaddedScratch {
  readonly arena: Arena;
  readonly sha1: Sha1;
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  /** SHA_CTX, as an index into `words`. */
  readonly context: number;
  readonly contextAddress: number;
  /** The one block of the outer hash, as an index into `words`. */
  readonly block: number;
  readonly blockAddress: number;
}

class PaddedHmac implements HmacSha1 {
  readonly #arena: Arena;
  readonly #hmac: HmacSha1Words;
  /** Their offset; -1 when closed. */
  #states: number;

  constructor(arena: Arena, hmac: HmacSha1Words, states: number) {
    this.#arena = arena;
    this.#hmac = hmac;
    this.#states = states;
  }

  digest(offset: number, length: number): void {
    if (this.#states < 0) throw new SbcError('openssl-hmac', 'used after close');
    this.#hmac.digest(this.#states, offset, length);
  }

  close(): void {
    if (this.#states < 0) return;
    this.#arena.bytes.fill(0, this.#states, this.#states + hmacStateBytes);
    this.#arena.release(this.#states);
    this.#states = -1;
  }
}

/** FIPS 180-4 §5.1.1: a one bit, zeros, and the bit count, the block of the key pad included. */
function pad({ bytes, words }: PaddedScratch, offset: number, length: number, padded: number): void {
  let at = offset + length;
  bytes[at++] = 0x80;
  while ((at & 3) !== 0) bytes[at++] = 0;
  const lastWord = (offset + padded - 4) >> 2;
  for (let word = at >> 2; word < lastWord; word++) words[word] = 0;
  words[lastWord] = swapped((blockBytes + length) << 3);
}

function restore(words: Int32Array, state: number, context: number): void {
  words[context] = words[state] ?? 0;
  words[context + 1] = words[state + 1] ?? 0;
  words[context + 2] = words[state + 2] ?? 0;
  words[context + 3] = words[state + 3] ?? 0;
  words[context + 4] = words[state + 4] ?? 0;
  words[context + pendingBytesWord] = 0;
}

/** The byte order of the other end: words are little-endian here (checked by the self-test of the cipher factory). */
function swapped(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}

const outerBits = swapped((blockBytes + digestBytes) << 3);

class MacHmacFactory implements HmacSha1Factory {
  readonly form = 'evp-mac';
  readonly result: number;
  readonly #arena: Arena;
  readonly #openssl: Openssl;
  readonly #mac: number;
  readonly #output: number;
  readonly #outputLength: number;
  readonly #parameters: number;

  constructor(arena: Arena, openssl: Openssl) {
    this.#arena = arena;
    this.#openssl = openssl;
    this.#output = arena.allocate(digestBytes);
    this.#outputLength = arena.allocate(8);
    this.result = this.#output >> 2;
    const name = writeText(arena, 'HMAC');
    this.#mac = openssl.macFetch(0, name, 0);
    if (this.#mac === 0) throw new SbcError('openssl-hmac', 'OpenSSL has no HMAC');
    this.#parameters = this.#digestParameter();
  }

  open(key: Uint8Array): HmacSha1 {
    const context = this.#openssl.macContextNew(this.#mac);
    const copy = this.#arena.allocate(blockBytes);
    this.#arena.bytes.set(key, copy);
    const initialised = this.#openssl.macInit(
      context,
      this.#arena.address(copy, key.length),
      key.length,
      this.#arena.address(this.#parameters, 2 * parameterBytes),
    );
    this.#arena.bytes.fill(0, copy, copy + blockBytes);
    this.#arena.release(copy);
    if (initialised !== 1) throw new SbcError('openssl-hmac', 'OpenSSL refused HMAC with SHA1');
    return new MacHmac(this.#arena, this.#openssl, context, this.#output, this.#outputLength);
  }

  /** OSSL_PARAM: key, type (4 bytes and 4 of padding), data, size, returned size; ended by one whose key is NULL. */
  #digestParameter(): number {
    const { view } = this.#arena;
    const parameters = this.#arena.allocate(2 * parameterBytes);
    view.setBigUint64(parameters, BigInt(writeText(this.#arena, 'digest')), true);
    view.setUint32(parameters + 8, utf8StringType, true);
    view.setBigUint64(parameters + 16, BigInt(writeText(this.#arena, 'SHA1')), true);
    view.setBigUint64(parameters + 24, 4n, true);
    return parameters;
  }
}

const parameterBytes = 40;
const utf8StringType = 4;

class MacHmac implements HmacSha1 {
  readonly #arena: Arena;
  readonly #openssl: Openssl;
  readonly #output: number;
  readonly #outputAddress: number;
  readonly #outputLengthAddress: number;
  #context: number;

  constructor(arena: Arena, openssl: Openssl, context: number, output: number, outputLength: number) {
    this.#arena = arena;
    this.#openssl = openssl;
    this.#context = context;
    this.#output = output;
    this.#outputAddress = arena.address(output, digestBytes);
    this.#outputLengthAddress = arena.address(outputLength, 8);
  }

  digest(offset: number, length: number): void {
    const address = this.#arena.address(offset, length);
    if (this.#context === 0) throw new SbcError('openssl-hmac', 'used after close');
    this.#openssl.macInit(this.#context, 0, 0, 0);
    this.#openssl.macUpdate(this.#context, address, length);
    this.#openssl.macFinal(this.#context, this.#outputAddress, this.#outputLengthAddress, digestBytes);
    const { words } = this.#arena;
    const first = this.#output >> 2;
    for (let word = first; word < first + 5; word++) words[word] = swapped(words[word] ?? 0);
  }

  close(): void {
    if (this.#context !== 0) this.#openssl.macContextFree(this.#context);
    this.#context = 0;
  }
}

/** A NUL-terminated string that lives as long as the arena; its address. */
export function writeText(arena: Arena, text: string): number {
  const encoded = new TextEncoder().encode(`${text}\0`);
  const offset = arena.allocate(encoded.length);
  arena.bytes.set(encoded, offset);
  return arena.address(offset, encoded.length);
}
