// How this site dials, as its configuration says it.
import type { Config } from '../../config/schema.ts';
import { SbcError } from '../../core/errors.ts';
import { isCountry } from '../../policy/number-class.ts';
import { SiteNumbers } from '../../policy/site-numbers.ts';

/**
 * Throws SbcError `numbers` when the country is none, or when a user is named so that nobody could dial it: as an
 * emergency number, or as a number that is read as another one.
 */
export function siteNumbers({ numbers, emergency, user }: Config): SiteNumbers {
  const { country, outside_prefix: outsidePrefix, extensions } = numbers;
  if (country !== undefined && !isCountry(country)) {
    throw new SbcError('numbers', `numbers.country: there is no country "${country}"`);
  }
  const site = new SiteNumbers({ country, outsidePrefix, extensions, emergency: emergency.numbers });
  for (const { name } of user) {
    // No number, whatever is read generously: there may be thousands of them.
    if (/[A-Za-z]/.test(name)) continue;
    const read = site.read(name, undefined, 'pbx');
    if (read.ok && read.value.kind === 'emergency') {
      throw new SbcError('numbers', `user ${name}: is an emergency number`, { user: name });
    }
    if (read.ok && read.value.canonical !== name) {
      const message = `user ${name}: is dialled as ${read.value.canonical}; name it so, or list it in numbers.extensions`;
      throw new SbcError('numbers', message, { user: name });
    }
  }
  return site;
}
