// How one site dials: its country, its prefix for an outside line, its extensions. Whatever a caller wrote becomes one
// canonical number with its country and classes, before anything routes or decides on it.
import { err, ok, type Result } from '../core/result.ts';
import { emergencyNumbersOf, isEmergencyUrn } from './emergency-numbers.ts';
import { internationalPrefixOf, kindOf, type NumberClass, nationalNumber, tidied } from './number-class.ts';
import { canonicalise, digitsIn } from './number-plan.ts';

export interface SiteNumbering {
  /** ISO 3166: whose national numbers are read, and what is abroad. Without it national numbers stay local. */
  readonly country?: string | undefined;
  /** What phones dial before an outside number, and carriers do not. */
  readonly outsidePrefix?: string | undefined;
  /** Patterns of extensions: `1xx`, `20xx`; `x` is any digit. Without any, up to six digits are an extension. */
  readonly extensions?: readonly string[];
  /** In place of the emergency numbers of the country. The first is what `urn:service:sos` dials. */
  readonly emergency?: readonly string[] | undefined;
}

/** Who wrote the number: only phones dial the prefix for an outside line, and only inside are there extensions. */
export type DiallingSide = 'phone' | 'pbx' | 'trunk';

export interface ReadNumber {
  readonly kind: 'number' | 'name' | 'emergency';
  /** What rules match on and what is dialled: `+441632960123`, `101`, `*97`, `112`, `alice`. */
  readonly canonical: string;
  readonly country: string | undefined;
  readonly classes: readonly NumberClass[];
}

export class SiteNumbers {
  readonly #country: string | undefined;
  readonly #outsidePrefix: string;
  readonly #internationalPrefixes: readonly string[];
  readonly #extensions: readonly string[] | undefined;
  readonly #emergency: ReadonlySet<string>;
  readonly #emergencyNumber: string;

  constructor({ country, outsidePrefix = '', extensions = [], emergency }: SiteNumbering) {
    this.#country = country;
    this.#outsidePrefix = outsidePrefix;
    this.#extensions = extensions.length === 0 ? undefined : extensions;
    const own = country === undefined ? undefined : internationalPrefixOf(country);
    this.#internationalPrefixes = own === undefined || own === '00' ? ['00'] : ['00', own];
    const numbers = emergency ?? emergencyNumbersOf(country);
    this.#emergency = new Set(numbers);
    this.#emergencyNumber = numbers[0] ?? '112';
  }

  /** The user part of a SIP URI (percent-escapes decoded) or the number of a tel URI, with its `phone-context`. */
  read(user: string, context: string | undefined, side: DiallingSide): Result<ReadNumber, string> {
    const [bare = ''] = user.split(';', 1);
    const digits = digitsIn(bare);
    const behind = context === undefined && bare === user && side === 'phone' ? this.#behindPrefix(digits) : undefined;
    // By exact match, in whatever context (RFC 3966 §5.1.5 lets 112 stand in one).
    for (const number of [digits, behind]) {
      if (number !== undefined && this.#emergency.has(number)) return ok(this.#emergencyCall(number));
    }
    if (behind !== undefined && digits !== undefined && !this.#isExtension(digits)) {
      const outside = this.#global(behind);
      if (outside !== undefined) return ok(this.#globalNumber(outside));
      // Without known extensions it may well be one that begins like this.
      if (this.#extensions !== undefined) return err('no number stands behind the prefix for an outside line');
    }
    const dialled = canonicalise(user, context);
    if (!dialled.ok) return dialled;
    const { kind, canonical } = dialled.value;
    if (kind === 'name') return ok({ kind, canonical, country: undefined, classes: ['internal'] });
    if (canonical.startsWith('+')) return ok(this.#globalNumber(tidied(canonical)));
    const isLocal = digits === undefined || (side !== 'trunk' && this.#isExtension(digits));
    const national = isLocal ? undefined : this.#global(canonical);
    if (national !== undefined) return ok(this.#globalNumber(national));
    return ok({ kind, canonical, country: this.#country, classes: [this.#localClass(canonical)] });
  }

  /** `urn:service:sos` and its sub-services; undefined for any other URI. */
  readUrn(uri: string): ReadNumber | undefined {
    return isEmergencyUrn(uri) ? this.#emergencyCall(this.#emergencyNumber) : undefined;
  }

  isEmergency(digits: string): boolean {
    return this.#emergency.has(digits);
  }

  #emergencyCall(canonical: string): ReadNumber {
    return { kind: 'emergency', canonical, country: this.#country, classes: ['emergency'] };
  }

  #globalNumber(canonical: string): ReadNumber {
    return { kind: 'number', canonical, ...kindOf(canonical, this.#country) };
  }

  #behindPrefix(digits: string | undefined): string | undefined {
    const prefix = this.#outsidePrefix;
    return prefix !== '' && digits?.startsWith(prefix) === true ? digits.slice(prefix.length) : undefined;
  }

  #global(digits: string): string | undefined {
    for (const prefix of this.#internationalPrefixes) {
      if (!digits.startsWith(prefix)) continue;
      const abroad = canonicalise(`+${digits.slice(prefix.length)}`);
      if (abroad.ok && digits.length > prefix.length + 4) return tidied(abroad.value.canonical);
    }
    return this.#country === undefined ? undefined : nationalNumber(digits, this.#country);
  }

  #isExtension(digits: string): boolean {
    return this.#extensions?.some((pattern) => matchesExtension(pattern, digits)) === true;
  }

  /** Service codes and extensions stay at the switch. What is neither could be anything to whoever reads it. */
  #localClass(number: string): NumberClass {
    if (!/^[0-9]+$/.test(number) || this.#isExtension(number)) return 'internal';
    return this.#extensions === undefined && number.length <= longestExtension ? 'internal' : 'unknown';
  }
}

export const longestExtension = 6;

function matchesExtension(pattern: string, digits: string): boolean {
  if (pattern.length !== digits.length) return false;
  for (let index = 0; index < pattern.length; index += 1) {
    if (pattern[index] !== 'x' && pattern[index] !== digits[index]) return false;
  }
  return true;
}
