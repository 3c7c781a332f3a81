// What a password must be before it is kept, and passwords that are.
import { SbcError } from '../core/errors.ts';
import type { Random } from '../core/random.ts';

export const minPasswordLength = 12;
export const maxPasswordLength = 255;
/** About 117 bits. */
export const generatedLength = 20;

/** Everything that is wrong with it, to be read after "the password"; empty when it will do. */
export function passwordFaults(password: string, userName: string): readonly string[] {
  const characters = [...password];
  const faults = [
    characters.length < minPasswordLength &&
      `has ${characters.length} characters, at least ${minPasswordLength} are needed`,
    characters.length > maxPasswordLength && `has more than ${maxPasswordLength} characters`,
    !/\p{Ll}/u.test(password) && 'has no lower-case letter',
    !/\p{Lu}/u.test(password) && 'has no upper-case letter',
    !/\p{Nd}/u.test(password) && 'has no digit',
    !/[^\p{L}\p{N}\s]/u.test(password) && 'has no special character',
    /\p{Cc}/u.test(password) && 'has a control character',
    contains(password, userName) && 'contains the user name',
  ];
  return faults.filter((fault) => fault !== false);
}

/** A password without faults, easy to type on a phone and safe in a TOML string, a shell word and a URI. */
export function generatePassword(userName: string, random: Random): string {
  for (let tries = 0; tries < 1_000; tries += 1) {
    const password = Array.from({ length: generatedLength }, () => alphabet.charAt(random.below(alphabet.length))).join(
      '',
    );
    if (passwordFaults(password, userName).length === 0) return password;
  }
  throw new SbcError('random-broken', 'a thousand random passwords were not good enough');
}

/** Without those that look alike (0 O o, 1 l I), and without the full stop, which a reader takes for the end of a sentence. */
const alphabet = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789-_';

/** A name of one or two letters is in too many passwords to say anything. */
function contains(password: string, userName: string): boolean {
  return userName.length > 2 && password.toLowerCase().includes(userName.toLowerCase());
}
