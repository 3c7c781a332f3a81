// How a canonical number is written for whoever reads it next: as E.164, without its plus, behind the prefix of an international
// call, or as its country dials it (RFC 3966 §5.1.4, §5.1.5).
import { getCountryCallingCode, parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { isCountry } from './number-class.ts';
import { digitsIn } from './number-plan.ts';

export const numberForms = ['e164', 'plain', 'international', 'national'] as const;
/** `+4420…`, `4420…`, `004420…`, `020…` at home and `00…` abroad. */
export type NumberForm = (typeof numberForms)[number];

/** What is no number of E.164 (an extension, a service code, a name) stays as it is. */
export function writeNumber(canonical: string, form: NumberForm, home: string | undefined): string {
  if (!canonical.startsWith('+')) return canonical;
  switch (form) {
    case 'e164':
      return canonical;
    case 'plain':
      return canonical.slice(1);
    case 'international':
      return `00${canonical.slice(1)}`;
    case 'national':
      return nationalForm(canonical, home) ?? `00${canonical.slice(1)}`;
    default:
      return form satisfies never;
  }
}

/** Undefined for a number of another country. */
function nationalForm(number: string, home: string | undefined): string | undefined {
  const parsed = parsePhoneNumberFromString(number, { extract: false });
  if (parsed === undefined || home === undefined || !isCountry(home)) return undefined;
  const { countryCallingCode: code, country } = parsed;
  // Islands and neighbours share +1, and are called as abroad; others that share a code call each other as at home.
  if (code !== getCountryCallingCode(home) || (code === '1' && country !== home)) return undefined;
  return digitsIn(parsed.formatNational());
}
