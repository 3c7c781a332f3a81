// Digest arithmetic: the algorithms, and the response that proves a password without telling it (RFC 7616 §3.4, RFC 8760).
// The -sess variants and qop=auth-int are not spoken: nothing in the field needs them, and neither adds to TLS.
import { hash, timingSafeEqual } from 'node:crypto';

export type DigestAlgorithm = 'SHA-512-256' | 'SHA-256' | 'MD5';

/** Every algorithm, strongest first. */
export const digestAlgorithms: readonly DigestAlgorithm[] = ['SHA-512-256', 'SHA-256', 'MD5'];

/** The algorithm of that name, whatever its case; MD5 where a header names none (RFC 7616 §3.3); undefined when unknown. */
export function parseAlgorithm(name: string | undefined): DigestAlgorithm | undefined {
  if (name === undefined) return 'MD5';
  const upper = name.toUpperCase();
  return digestAlgorithms.find((algorithm) => algorithm === upper);
}

/** The same algorithms once each, strongest first. */
export function strongestFirst(algorithms: readonly DigestAlgorithm[]): readonly DigestAlgorithm[] {
  return digestAlgorithms.filter((algorithm) => algorithms.includes(algorithm));
}

/** Lower-case hexadecimal of the hash of the UTF-8 text. */
export function digestHash(algorithm: DigestAlgorithm, text: string): string {
  return hash(nodeNames[algorithm], text);
}

/** How many hexadecimal characters a hash of that algorithm has. */
export function digestLength(algorithm: DigestAlgorithm): number {
  return algorithm === 'MD5' ? 32 : 64;
}

export interface ResponseInput {
  readonly algorithm: DigestAlgorithm;
  /** Hash of `user:realm:password`, in hexadecimal. */
  readonly ha1: string;
  readonly nonce: string;
  /** Eight hexadecimal digits, as they stand in the header. */
  readonly nc: string;
  readonly cnonce: string;
  readonly method: string;
  readonly uri: string;
}

/** The `response` parameter with qop=auth (RFC 7616 §3.4.1). */
export function digestResponse({ algorithm, ha1, nonce, nc, cnonce, method, uri }: ResponseInput): string {
  const ha2 = digestHash(algorithm, `${method}:${uri}`);
  return digestHash(algorithm, `${ha1}:${nonce}:${nc}:${cnonce}:auth:${ha2}`);
}

/** The `response` parameter without qop (RFC 2617 §3.2.2.1): only as a client, towards a configured peer that offers no qop. */
export function digestResponseWithoutQop(input: Omit<ResponseInput, 'nc' | 'cnonce'>): string {
  const ha2 = digestHash(input.algorithm, `${input.method}:${input.uri}`);
  return digestHash(input.algorithm, `${input.ha1}:${input.nonce}:${ha2}`);
}

/** Compares in a time that depends on the lengths only. */
export function sameDigest(a: string, b: string): boolean {
  const first = Buffer.from(a);
  const second = Buffer.from(b);
  return first.length === second.length && timingSafeEqual(first, second);
}

const nodeNames: Readonly<Record<DigestAlgorithm, string>> = {
  'SHA-512-256': 'sha512-256',
  'SHA-256': 'sha256',
  MD5: 'md5',
};
