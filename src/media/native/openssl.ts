// The OpenSSL functions that the Node binary itself exports. Addresses are numbers formed by `Arena.address` or returned
// by OpenSSL; every function here is synchronous and calls nothing back.
import { readFileSync } from 'node:fs';
import koffi, { type LibraryHandle } from 'koffi';
import { messageOf } from '../../core/errors.ts';
import { err, ok, type Result } from '../../core/result.ts';

/** What SRTP needs. 0 stands for NULL; functions that return `int` return 1 for success. */
export interface Openssl {
  readonly cipherFetch: (libraryContext: number, name: number, properties: number) => number;
  readonly cipherContextNew: () => number;
  readonly cipherContextFree: (context: number) => void;
  readonly cipherContextControl: (context: number, type: number, argument: number, pointer: number) => number;
  readonly cipherSetPadding: (context: number, isOn: number) => number;
  readonly cipherInit: (
    context: number,
    cipher: number,
    key: number,
    iv: number,
    isEncrypting: number,
    parameters: number,
  ) => number;
  readonly cipherUpdate: (
    context: number,
    output: number,
    outputLength: number,
    input: number,
    inputLength: number,
  ) => number;
  readonly cipherFinal: (context: number, output: number, outputLength: number) => number;
  readonly macFetch: (libraryContext: number, name: number, properties: number) => number;
  readonly macContextNew: (mac: number) => number;
  readonly macContextFree: (context: number) => void;
  readonly macInit: (context: number, key: number, keyBytes: number, parameters: number) => number;
  readonly macUpdate: (context: number, data: number, dataBytes: number) => number;
  readonly macFinal: (context: number, output: number, outputLength: number, outputBytes: number) => number;
  /** Deprecated since OpenSSL 3.0 but exported; undefined where it is gone. */
  readonly sha1: Sha1 | undefined;
  /** The routines below EVP for processors with AES-NI; undefined where this processor or this build has none. */
  readonly aesNi: AesNi | undefined;
}

export interface Sha1 {
  readonly init: (context: number) => number;
  readonly update: (context: number, data: number, dataBytes: number) => number;
}

/** Not of OpenSSL's public interface: whoever calls them has compared them with something else first. */
export interface AesNi {
  /** Expands a key of `bits` into 244 bytes; 0 for success. */
  readonly setEncryptKey: (key: number, bits: number, schedule: number) => number;
  /** Counter mode over whole blocks; the last 32 bits of the first counter block are counted. It is not written to. */
  readonly counter32: (input: number, output: number, blocks: number, schedule: number, counterBlock: number) => void;
}

/** The symbols of this process; an explanation when one is missing, as in a Node that was built against another library. */
export function loadOpenssl(): Result<Openssl, string> {
  try {
    const library = koffi.load(null);
    const symbol = (name: string, result: string, ...parameters: string[]) => library.func(name, result, parameters);
    return ok({
      cipherFetch: symbol('EVP_CIPHER_fetch', pointer, pointer, pointer, pointer),
      cipherContextNew: symbol('EVP_CIPHER_CTX_new', pointer),
      cipherContextFree: symbol('EVP_CIPHER_CTX_free', 'void', pointer),
      cipherContextControl: symbol('EVP_CIPHER_CTX_ctrl', 'int', pointer, 'int', 'int', pointer),
      cipherSetPadding: symbol('EVP_CIPHER_CTX_set_padding', 'int', pointer, 'int'),
      cipherInit: symbol('EVP_CipherInit_ex2', 'int', pointer, pointer, pointer, pointer, 'int', pointer),
      cipherUpdate: symbol('EVP_CipherUpdate', 'int', pointer, pointer, pointer, pointer, 'int'),
      cipherFinal: symbol('EVP_CipherFinal_ex', 'int', pointer, pointer, pointer),
      macFetch: symbol('EVP_MAC_fetch', pointer, pointer, pointer, pointer),
      macContextNew: symbol('EVP_MAC_CTX_new', pointer, pointer),
      macContextFree: symbol('EVP_MAC_CTX_free', 'void', pointer),
      macInit: symbol('EVP_MAC_init', 'int', pointer, pointer, pointer, pointer),
      macUpdate: symbol('EVP_MAC_update', 'int', pointer, pointer, pointer),
      macFinal: symbol('EVP_MAC_final', 'int', pointer, pointer, pointer, pointer),
      sha1: loadSha1(symbol),
      aesNi: hasAesNi() ? loadAesNi(symbol) : undefined,
    });
  } catch (thrown) {
    return err(`OpenSSL is not exported by this Node: ${messageOf(thrown)}`);
  }
}

/** `size_t` and pointers alike; as plain numbers this is koffi's cheapest way to pass them (bench/micro/srtp.ts). */
const pointer = 'int64';

type SymbolOf = (name: string, result: string, ...parameters: string[]) => ReturnType<LibraryHandle['func']>;

function loadSha1(symbol: SymbolOf): Sha1 | undefined {
  try {
    return {
      init: symbol('SHA1_Init', 'int', pointer),
      update: symbol('SHA1_Update', 'int', pointer, pointer, pointer),
    };
  } catch {
    // Deprecated functions may be compiled out: the caller falls back to EVP_MAC and names the slower form in its report.
    return undefined;
  }
}

/** Calling these on a processor without AES-NI would end the process; who tells OpenSSL what not to use has a reason. */
function hasAesNi(): boolean {
  if (process.arch !== 'x64' || process.env['OPENSSL_ia32cap'] !== undefined) return false;
  try {
    return /^flags\s*:.*\baes\b/m.test(readFileSync('/proc/cpuinfo', 'latin1'));
  } catch {
    // Nobody tells what the processor has: the public functions know it themselves.
    return false;
  }
}

function loadAesNi(symbol: SymbolOf): AesNi | undefined {
  try {
    return {
      setEncryptKey: symbol('aesni_set_encrypt_key', 'int', pointer, 'int', pointer),
      counter32: symbol('aesni_ctr32_encrypt_blocks', 'void', pointer, pointer, pointer, pointer, pointer),
    };
  } catch {
    // Not part of the public interface: a build may hide them, and EVP does the same at more cost.
    return undefined;
  }
}
