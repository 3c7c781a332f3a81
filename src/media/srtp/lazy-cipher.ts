// A cipher that is opened when the first packet asks for it: deriving six keys and preparing them costs more than all else that a
// session is told, and not every key that is agreed on is used (RFC 3711 §4.3: derived at any time before the first packet).
import { SbcError } from '../../core/errors.ts';
import type { CipherDirection, SrtpCipher, SrtpCipherFactory } from './cipher.ts';
import { deriveSessionKeys } from './key-derivation.ts';
import { profileOf, type SrtpKeying } from './profile.ts';

export class LazyCipher implements SrtpCipher {
  readonly #ciphers: SrtpCipherFactory;
  readonly #direction: CipherDirection;
  readonly #onOpened: (cipher: SrtpCipher) => void;
  /** A copy of our own, until it is used or closed. */
  readonly #keying: SrtpKeying;
  #isClosed = false;

  /** `onOpened` is given the cipher that takes its place. `keying` may be wiped afterwards. */
  constructor(
    keying: SrtpKeying,
    ciphers: SrtpCipherFactory,
    direction: CipherDirection,
    onOpened: (cipher: SrtpCipher) => void,
  ) {
    const { suite, masterKey, masterSalt } = keying;
    this.#keying = { suite, masterKey: Uint8Array.from(masterKey), masterSalt: Uint8Array.from(masterSalt) };
    this.#ciphers = ciphers;
    this.#direction = direction;
    this.#onOpened = onOpened;
  }

  protectRtp(offset: number, headerBytes: number, length: number, rollOver: number): number {
    return this.#open().protectRtp(offset, headerBytes, length, rollOver);
  }

  unprotectRtp(offset: number, headerBytes: number, length: number, rollOver: number): number {
    return this.#open().unprotectRtp(offset, headerBytes, length, rollOver);
  }

  protectRtcp(offset: number, length: number, index: number): number {
    return this.#open().protectRtcp(offset, length, index);
  }

  unprotectRtcp(offset: number, length: number): number {
    return this.#open().unprotectRtcp(offset, length);
  }

  close(): void {
    this.#isClosed = true;
    this.#keying.masterKey.fill(0);
    this.#keying.masterSalt.fill(0);
  }

  #open(): SrtpCipher {
    // What is left of the key protects nothing.
    if (this.#isClosed) throw new SbcError('srtp-cipher', 'used after close');
    const { encryptBlocks } = this.#ciphers;
    const keys = deriveSessionKeys(this.#keying, encryptBlocks);
    const cipher = this.#ciphers.open(profileOf(this.#keying.suite), keys, this.#direction);
    this.close();
    this.#onOpened(cipher);
    return cipher;
  }
}
