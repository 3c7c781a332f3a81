import { describe, expect, test } from 'vitest';
import { attemptLimits, codeAt, freshTotp, judgeTotp, otpauthUri, type TotpState } from '../../../src/policy/totp.ts';

const secret = Buffer.from('12345678901234567890');
const minute = 60_000;

describe('a one-time code', () => {
  test.each([
    [59, '287082'],
    [1_111_111_109, '081804'],
    [1_111_111_111, '050471'],
    [1_234_567_890, '005924'],
    [2_000_000_000, '279037'],
    [20_000_000_000, '353130'],
  ])('is that of RFC 6238 Appendix B at %i', (seconds, code) => {
    expect(codeAt(secret, Math.floor(seconds / 30))).toBe(code);
    expect(judgeTotp(secret, freshTotp, code, seconds * 1_000).verdict).toBe('right');
  });

  test('is taken a step early or late, and not two', () => {
    const now = 1_234_567_890_000;
    const step = Math.floor(now / 30_000);
    for (const [offset, verdict] of [
      [-2, 'wrong'],
      [-1, 'right'],
      [1, 'right'],
      [2, 'wrong'],
    ] as const) {
      expect(judgeTotp(secret, freshTotp, codeAt(secret, step + offset), now).verdict, String(offset)).toBe(verdict);
    }
  });

  test('is taken once (RFC 6238 §5.2), and none of before it is taken after it', () => {
    const now = 1_234_567_890_000;
    const step = Math.floor(now / 30_000);
    const { next } = judgeTotp(secret, freshTotp, codeAt(secret, step), now);
    expect(judgeTotp(secret, next, codeAt(secret, step), now).verdict).toBe('reused');
    expect(judgeTotp(secret, next, codeAt(secret, step - 1), now).verdict).toBe('reused');
    expect(judgeTotp(secret, next, codeAt(secret, step + 1), now).verdict).toBe('right');
  });

  test.each(['', '12345', '1234567', '12345a', '00000１', '287 082', '-00001'])(
    'is six digits and not "%s"',
    (code) => {
      expect(judgeTotp(secret, freshTotp, code, 59_000).verdict).toBe('wrong');
    },
  );

  test('cannot be guessed: wrong ones lock longer and longer, and a right one in between is not even looked at', () => {
    let state: TotpState = freshTotp;
    let now = 1_234_567_890_000;
    let looked = 0;
    for (const end = now + 24 * 60 * minute; now < end; now += 1_000) {
      const { verdict, next } = judgeTotp(secret, state, '000000', now);
      if (verdict !== 'locked') looked += 1;
      state = next;
    }
    expect(looked).toBeLessThan(40);
    expect(state.attempts.lockedUntil - now).toBeLessThanOrEqual(attemptLimits.longest);
    const right = codeAt(secret, Math.floor(now / 30_000));
    expect(judgeTotp(secret, state, right, now).verdict).toBe('locked');
    const later = state.attempts.lockedUntil;
    expect(judgeTotp(secret, state, codeAt(secret, Math.floor(later / 30_000)), later).next.attempts.failures).toBe(0);
  });

  test('secret is written as authenticator programs read it', () => {
    expect(otpauthUri('alice@pbx.test', secret)).toBe(
      'otpauth://totp/Portcullis:alice%40pbx.test?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Portcullis&algorithm=SHA1&digits=6&period=30',
    );
  });
});
