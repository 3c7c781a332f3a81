// What kind of destination a canonical number is: its country, and the classes that rules and limits speak of. A number has
// several: a satellite telephone is international too, so that a rule against the one does not miss the other.
import { getCountries, getCountryCallingCode, Metadata, parsePhoneNumberFromString } from 'libphonenumber-js/max';

export const numberClasses = [
  'emergency',
  'premium-rate',
  'satellite',
  'shared-cost',
  'toll-free',
  'mobile',
  'national',
  'international',
  'internal',
  'unknown',
] as const;
export type NumberClass = (typeof numberClasses)[number];

export interface NumberKind {
  /** ISO 3166; absent for a number of no one country, and for one that cannot be told. */
  readonly country: string | undefined;
  /** The most telling first. */
  readonly classes: readonly NumberClass[];
}

/** The kind of an E.164 number (`+…`), seen from `home` (ISO 3166). Without a home every country is abroad. */
export function kindOf(number: string, home: string | undefined): NumberKind {
  const network = networks.find(([prefix]) => number.startsWith(prefix));
  if (network !== undefined) return { country: undefined, classes: [network[1], 'international'] };
  const parsed = parsePhoneNumberFromString(number, { extract: false });
  const country = parsed?.country ?? mainCountryOf(parsed?.countryCallingCode);
  const special = specialClasses.get(parsed?.getType() ?? '');
  const isHome = home !== undefined && country !== undefined && callingCodeOf(home) === callingCodeOf(country);
  // Islands and neighbours share +1: calling one of them is no national call.
  const isNational = isHome && (callingCodeOf(home) !== '1' || country === home);
  const place: NumberClass = country === undefined ? 'unknown' : isNational ? 'national' : 'international';
  const classes: NumberClass[] = special === undefined ? [place] : [special, place];
  if (place === 'unknown') classes.push('international');
  return { country, classes };
}

/** `number` as its country writes it internationally: `+44(0)20…` is `+4420…`. What is no valid number stays as it is. */
export function tidied(number: string): string {
  const parsed = parsePhoneNumberFromString(number, { extract: false });
  return parsed?.isValid() === true ? parsed.number : number;
}

/** The E.164 form of `digits` as they are dialled in `home`; undefined where that country has no such number. */
export function nationalNumber(digits: string, home: string): string | undefined {
  if (!isCountry(home)) return undefined;
  const parsed = parsePhoneNumberFromString(digits, { defaultCountry: home, extract: false });
  if (parsed === undefined) return undefined;
  // Behind a trunk prefix a number of any possible length is meant; without one, an extension could be as short.
  const hasPrefix = parsed.nationalNumber.length < digits.length;
  const isMeant = hasPrefix ? parsed.isPossible() : digits.length >= shortestBare && parsed.isValid();
  return isMeant ? parsed.number : undefined;
}

export const shortestBare = 7;

/** The prefix of an international call from `home`, where it is one of plain digits: `011` in the USA. */
export function internationalPrefixOf(home: string): string | undefined {
  if (!isCountry(home)) return undefined;
  const prefix = planOf(home)?.IDDPrefix();
  return prefix !== undefined && /^[0-9]{1,4}$/.test(prefix) ? prefix : undefined;
}

export function isCountry(code: string): code is Country {
  return countries.has(code);
}

type Country = ReturnType<typeof getCountries>[number];
const countries: ReadonlySet<string> = new Set(getCountries());

function callingCodeOf(country: string): string | undefined {
  return isCountry(country) ? getCountryCallingCode(country) : undefined;
}

function planOf(country: Country): Metadata['numberingPlan'] {
  const metadata = new Metadata();
  metadata.selectNumberingPlan(country);
  return metadata.numberingPlan;
}

/** Of a number that no range of its calling code holds. In +1 the country is told by the range only. */
function mainCountryOf(callingCode: string | undefined): string | undefined {
  return callingCode === undefined || callingCode === '1' ? undefined : mainCountries.get(callingCode);
}

const mainCountries: ReadonlyMap<string, string> = new Map([
  ...getCountries().map((country) => [getCountryCallingCode(country).toString(), country] as const),
  // Codes that a country shares with its islands and neighbours.
  ...(['AU', 'CW', 'FI', 'GB', 'GP', 'IT', 'MA', 'NO', 'RE', 'RU', 'SH'] as const).map(
    (country) => [getCountryCallingCode(country).toString(), country] as const,
  ),
]);

/** Networks of no country: satellites, and what is billed as they are (ITU-T E.164 list of assigned codes). */
const networks: readonly (readonly [string, NumberClass])[] = [
  ['+870', 'satellite'],
  ['+881', 'satellite'],
  ['+882', 'satellite'],
  ['+883', 'satellite'],
  ['+979', 'premium-rate'],
];

const specialClasses: ReadonlyMap<string, NumberClass> = new Map([
  ['PREMIUM_RATE', 'premium-rate'],
  ['SHARED_COST', 'shared-cost'],
  ['UAN', 'shared-cost'],
  ['PERSONAL_NUMBER', 'premium-rate'],
  ['TOLL_FREE', 'toll-free'],
  ['MOBILE', 'mobile'],
  ['PAGER', 'mobile'],
]);
