// What a password must be before it is kept, how long it lasts, and passwords that will do.
import type { EpochMillis, Millis } from '../core/clock.ts';
import { SbcError } from '../core/errors.ts';
import type { Random } from '../core/random.ts';
import { isCommonPassword } from './common-passwords.ts';

/** No configuration goes below it. */
export const minPasswordLength = 12;
export const maxPasswordLength = 255;
/** About 117 bits. */
export const generatedLength = 20;

/** Everything that is wrong with it, to be read after "the password"; empty when it will do. */
export function passwordFaults(
  password: string,
  userName: string,
  minLength: number = minPasswordLength,
): readonly string[] {
  const characters = [...password];
  const faults = [
    characters.length < minLength && `has ${characters.length} characters, at least ${minLength} are needed`,
    characters.length > maxPasswordLength && `has more than ${maxPasswordLength} characters`,
    !/\p{Ll}/u.test(password) && 'has no lower-case letter',
    !/\p{Lu}/u.test(password) && 'has no upper-case letter',
    !/\p{Nd}/u.test(password) && 'has no digit',
    !/[^\p{L}\p{N}\s]/u.test(password) && 'has no special character',
    /\p{Cc}/u.test(password) && 'has a control character',
    contains(password, userName) && 'contains the user name',
    isCommonPassword(password) && 'is a common one with little added',
  ];
  return faults.filter((fault) => fault !== false);
}

/** A password without faults, easy to type on a phone and safe in a TOML string, a shell word and a URI. */
export function generatePassword(userName: string, random: Random, minLength: number = minPasswordLength): string {
  const length = Math.max(generatedLength, minLength);
  for (let tries = 0; tries < 1_000; tries += 1) {
    const password = Array.from({ length }, () => alphabet.charAt(random.below(alphabet.length))).join('');
    if (passwordFaults(password, userName, minLength).length === 0) return password;
  }
  throw new SbcError('random-broken', 'a thousand random passwords were not good enough');
}

/** Passwords that are tried first against an account of that name: the name itself dressed up, and what everybody uses. */
export function guessesFor(userName: string): readonly string[] {
  const capital = userName.charAt(0).toUpperCase() + userName.slice(1);
  const endings = ['', '1', '12', '123', '1234', '12345', '123456', '!', '1!', '123!', '@123', '2024', '2025', '2026'];
  const common = [
    'password',
    'Password',
    'passw0rd',
    'P@ssw0rd',
    'welcome',
    'Welcome',
    'qwerty',
    'admin',
    'secret',
    'changeme',
  ];
  const figures = [
    '0000',
    '1111',
    '1234',
    '12345',
    '123456',
    '1234567',
    '12345678',
    '123456789',
    '1234567890',
    '000000',
  ];
  const reversed = [...userName].reverse().join('');
  const dressed = [userName, capital, reversed, userName + userName, ...common].flatMap((word) => {
    return endings.map((ending) => word + ending);
  });
  return [...new Set(['', ...dressed, ...figures])];
}

/** How long passwords last. `maxAge` absent: as long as they please. */
export interface PasswordAgeing {
  readonly maxAge: Millis | undefined;
  /** How long before its end a password is spoken of. */
  readonly warnBefore: Millis;
}

export type PasswordStanding =
  | { readonly kind: 'current' }
  | { readonly kind: 'expiring'; readonly at: EpochMillis }
  | { readonly kind: 'expired' };

/** `mustChange`: an operator ended it before its time. */
export function passwordStanding(
  password: { readonly changedAt: EpochMillis; readonly mustChange: boolean },
  now: EpochMillis,
  { maxAge, warnBefore }: PasswordAgeing,
): PasswordStanding {
  if (password.mustChange) return { kind: 'expired' };
  if (maxAge === undefined) return { kind: 'current' };
  const at = password.changedAt + maxAge;
  if (now >= at) return { kind: 'expired' };
  return now >= at - warnBefore ? { kind: 'expiring', at } : { kind: 'current' };
}

/** Without those that look alike (0 O o, 1 l I), and without the full stop, which a reader takes for the end of a sentence. */
const alphabet = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789-_';

/** A name of one or two letters is in too many passwords to say anything. */
function contains(password: string, userName: string): boolean {
  return userName.length > 2 && password.toLowerCase().includes(userName.toLowerCase());
}
