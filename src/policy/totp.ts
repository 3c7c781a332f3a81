// One-time codes by time (RFC 6238 over HMAC-SHA-1, RFC 4226): six digits every 30 seconds, as every authenticator program knows
// them. A code of the step before or after is taken too (§5.2), each code once, and wrong ones lock the account for longer and longer.
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { EpochMillis, Millis } from '../core/clock.ts';
import type { Random } from '../core/random.ts';

/** What is remembered beside the secret. */
export interface TotpState {
  /** The step of the last code that was taken; nothing up to it is taken again. */
  readonly lastStep: number;
  readonly attempts: Attempts;
}

export type TotpVerdict = 'right' | 'wrong' | 'reused' | 'locked';

export const freshTotp: TotpState = { lastStep: -1, attempts: { failures: 0, lockedUntil: 0 } };

const secretBytes = 20;
const step: Millis = 30_000;
const digits = 6;

export function newTotpSecret(random: Random): Uint8Array {
  return random.bytes(secretBytes);
}

/** What a code is worth now, and what is to be remembered of it. */
export function judgeTotp(
  secret: Uint8Array,
  state: TotpState,
  code: string,
  now: EpochMillis,
): { readonly verdict: TotpVerdict; readonly next: TotpState } {
  if (isLocked(state.attempts, now)) return { verdict: 'locked', next: state };
  const current = Math.floor(now / step);
  const match = [current, current - 1, current + 1].find((one) => sameCode(codeAt(secret, one), code));
  if (match !== undefined && match > state.lastStep) {
    return { verdict: 'right', next: { lastStep: match, attempts: { failures: 0, lockedUntil: 0 } } };
  }
  const attempts = failed(state.attempts, now);
  return { verdict: match === undefined ? 'wrong' : 'reused', next: { ...state, attempts } };
}

/** RFC 4226 §5.3. */
export function codeAt(secret: Uint8Array, counter: number): string {
  const message = Buffer.alloc(8);
  message.writeBigUInt64BE(BigInt(Math.max(0, counter)));
  const hash = createHmac('sha1', secret).update(message).digest();
  const offset = hash.readUInt8(hash.length - 1) & 0x0f;
  const value = (hash.readUInt32BE(offset) & 0x7fff_ffff) % 10 ** digits;
  return String(value).padStart(digits, '0');
}

/** What authenticator programs read, as text or QR code. */
export function otpauthUri(account: string, secret: Uint8Array): string {
  const label = `${encodeURIComponent('Portcullis')}:${encodeURIComponent(account)}`;
  return `otpauth://totp/${label}?secret=${base32(secret)}&issuer=Portcullis&algorithm=SHA1&digits=${digits}&period=${step / 1_000}`;
}

/** Failures in a row, and until when nothing is tried any more. */
export interface Attempts {
  readonly failures: number;
  readonly lockedUntil: EpochMillis;
}

/** Failures that lock nothing yet; how long the next one locks, twice as long each time, and the longest. */
export const attemptLimits = { free: 4, first: 60_000, longest: 3_600_000 } as const;

export function isLocked({ lockedUntil }: Attempts, now: EpochMillis): boolean {
  return now < lockedUntil;
}

export function failed({ failures }: Attempts, now: EpochMillis): Attempts {
  const { free, first, longest } = attemptLimits;
  const beyond = failures - free;
  const lasts = beyond < 0 ? 0 : Math.min(longest, first * 2 ** Math.min(beyond, 20));
  return { failures: failures + 1, lockedUntil: lasts === 0 ? 0 : now + lasts };
}

function sameCode(expected: string, given: string): boolean {
  return /^[0-9]{6}$/.test(given) && timingSafeEqual(Buffer.from(expected), Buffer.from(given));
}

/** RFC 4648 §6, without padding. */
function base32(bytes: Uint8Array): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const groups = bits.match(/.{1,5}/g) ?? [];
  return groups.map((group) => alphabet[Number.parseInt(group.padEnd(5, '0'), 2)]).join('');
}
