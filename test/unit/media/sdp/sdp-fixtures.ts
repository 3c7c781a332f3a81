// Short ways to write SDP bodies, legs and policies in the tests of this folder.
import type { Random } from '../../../../src/core/random.ts';
import type { Result } from '../../../../src/core/result.ts';
import { SdpLeg } from '../../../../src/media/sdp/sdp-leg.ts';
import { defaultSdpPolicy, type SdpPolicy, type SdpRefusal } from '../../../../src/media/sdp/sdp-policy.ts';
import type { LocalMedia } from '../../../../src/media/sdp/write-description.ts';
import { profileOf, type SrtpSuite } from '../../../../src/media/srtp/profile.ts';
import { SeededRandom } from '../../../support/fake-time.ts';

export const outsidePolicy: SdpPolicy = {
  ...defaultSdpPolicy,
  suites: ['AES_CM_128_HMAC_SHA1_80', 'AES_256_CM_HMAC_SHA1_80', 'AEAD_AES_128_GCM'],
};
export const insidePolicy: SdpPolicy = { ...defaultSdpPolicy, encryption: 'off', allowedAddresses: 'private' };

export const outsideLocals = localsAt('203.0.113.10', 20_000);
export const insideLocals = localsAt('10.0.0.10', 30_000);

/** A body of these lines, with CR LF at the end of each. */
export function body(...lines: readonly string[]): Uint8Array {
  return Buffer.from(lines.map((line) => `${line}\r\n`).join(''), 'latin1');
}

export const sessionLines = ['v=0', 'o=- 4 7 IN IP4 198.51.100.7', 's=-', 'c=IN IP4 198.51.100.7', 't=0 0'] as const;

/** A body whose session part is unremarkable. */
export function withMedia(...lines: readonly string[]): Uint8Array {
  return body(...sessionLines, ...lines);
}

export const plainAudio = withMedia('m=audio 40000 RTP/AVP 0 8');

export function secureAudio(...crypto: readonly string[]): Uint8Array {
  return withMedia('m=audio 40000 RTP/SAVP 0 8', ...crypto.map((value) => `a=crypto:${value}`));
}

/** Base64 of a key and salt for `suite`, each byte `fill`. */
export function keySalt(suite: SrtpSuite, fill = 1): string {
  const { keyBytes, saltBytes } = profileOf(suite);
  return Buffer.alloc(keyBytes + saltBytes, fill).toString('base64');
}

export function cryptoLine(tag: number, suite: SrtpSuite = 'AES_CM_128_HMAC_SHA1_80', fill = 1): string {
  return `${tag} ${suite} inline:${keySalt(suite, fill)}`;
}

export function makeLeg(policy: Partial<SdpPolicy> = {}, random: Random = new SeededRandom(7)): SdpLeg {
  return new SdpLeg({ policy: { ...outsidePolicy, ...policy }, random, sessionId: '1000' });
}

export function localsAt(address: string, port: number, lines = 8): readonly LocalMedia[] {
  return Array.from({ length: lines }, (_, line) => ({
    address,
    rtpPort: port + 2 * line,
    rtcpPort: port + 2 * line + 1,
  }));
}

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

export function linesOf(bytes: Uint8Array): readonly string[] {
  return textOf(bytes).split('\r\n').slice(0, -1);
}

/** The lines of `bytes` that start with `prefix`. */
export function linesWith(bytes: Uint8Array, prefix: string): readonly string[] {
  return linesOf(bytes).filter((line) => line.startsWith(prefix));
}

export function accepted<T>(result: Result<T, SdpRefusal>): T {
  if (!result.ok) throw new Error(`refused: ${result.error.status} ${result.error.reason}: ${result.error.detail}`);
  return result.value;
}

export function refusalOf(result: Result<unknown, SdpRefusal>): string {
  return result.ok ? 'not refused' : `${result.error.status} ${result.error.reason}`;
}

/** The o= version of a body. */
export function versionOf(bytes: Uint8Array): number {
  return Number(linesWith(bytes, 'o=')[0]?.split(' ')[2]);
}

export interface Call {
  readonly caller: SdpLeg;
  readonly callee: SdpLeg;
}

/** One whole exchange: the caller offers, the callee answers; both commit. Returns what each of them was sent. */
export function exchange(
  { caller, callee }: Call,
  offer: Uint8Array,
  answer: Uint8Array,
): { readonly offerOut: Uint8Array; readonly answerOut: Uint8Array } {
  const offerOut = accepted(callee.createOffer(accepted(caller.receiveOffer(offer)), insideLocals));
  const answerOut = caller.createAnswer(accepted(callee.receiveAnswer(answer)), outsideLocals);
  caller.commit();
  callee.commit();
  return { offerOut, answerOut };
}
