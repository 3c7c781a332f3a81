// One canonical number for whatever was dialled, as a site of that country reads it.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type DiallingSide, SiteNumbers } from '../../../src/policy/site-numbers.ts';

const gb = new SiteNumbers({ country: 'GB', extensions: ['1xx', '20xx'], outsidePrefix: '9' });
const us = new SiteNumbers({ country: 'US' });
const de = new SiteNumbers({ country: 'DE', outsidePrefix: '0', extensions: ['1xx'] });
const estonia = new SiteNumbers({ country: 'EE' });
const nowhere = new SiteNumbers({});

function read(site: SiteNumbers, user: string, side: DiallingSide = 'phone', context?: string): string {
  const result = site.read(user, context, side);
  if (!result.ok) return 'refused';
  const { kind, canonical, country, classes } = result.value;
  return `${kind} ${canonical} ${country ?? '-'} ${classes.join(',')}`;
}

describe('one number, however it is dialled', () => {
  test.each([
    ['E.164', gb, '+442071838750'],
    ['with the international prefix', gb, '00442071838750'],
    ['nationally', gb, '02071838750'],
    ['nationally, without the trunk prefix', gb, '2071838750'],
    ['with the trunk prefix inside', gb, '+44(0)20 7183 8750'],
    ['with separators', gb, '020-7183-8750'],
    ['for an outside line', gb, '902071838750'],
    ['for an outside line, internationally', gb, '900442071838750'],
    ['with the calling code and no plus', gb, '442071838750'],
    ['abroad', us, '011442071838750'],
    ['abroad, with 00', us, '00442071838750'],
    ['behind a 0 for an outside line', de, '000442071838750'],
  ])('%s', (_how, site, user) => {
    expect(read(site, user)).toMatch(/^number \+442071838750 GB (national|international)$/);
  });

  test.each([
    ['the prefix for an outside line belongs to phones', gb, '902071838750', 'trunk', /^number 902071838750 /],
    ['a carrier has no extensions here', gb, '101', 'trunk', 'number 101 GB internal'],
    ['a PBX sends international numbers without it', de, '00442071838750', 'pbx', /^number \+442071838750/],
    ['a national number of ten digits', us, '2025550123', 'phone', /^number \+12025550123 US national/],
    ['a national number of eleven', us, '12025550123', 'phone', /^number \+12025550123 US national/],
    ['an extension', gb, '101', 'phone', 'number 101 GB internal'],
    ['an extension before a national number', gb, '2001', 'phone', 'number 2001 GB internal'],
    ['a code of the switch', gb, '*97', 'phone', 'number *97 GB internal'],
    ['a name', gb, 'alice', 'phone', 'name alice - internal'],
    ['a national number of seven digits', estonia, '6123456', 'phone', 'number +3726123456 EE national'],
    ['what is as long as a number, and in no range', gb, '6632960123', 'phone', 'number 6632960123 GB unknown'],
    ['what is neither extension nor number', gb, '3001', 'phone', 'number 3001 GB unknown'],
    [
      'a long local number of a site that said no country',
      nowhere,
      '8825551234567',
      'phone',
      /^number 8825551234567 - unknown$/,
    ],
  ] as const)('%s', (_what, site, user, side, expected) => {
    const got = read(site, user, side);
    if (typeof expected === 'string') expect(got).toBe(expected);
    else expect(got).toMatch(expected);
  });

  test('what stands behind the prefix for an outside line must be a number', () => {
    expect(read(gb, '9123')).toBe('refused');
  });

  test('the canonical form of a canonical form is itself', () => {
    const digits = fc.string({ unit: fc.constantFrom(...Array.from('0123456789+')), minLength: 1, maxLength: 14 });
    fc.assert(
      fc.property(digits, fc.constantFrom(gb, us, nowhere), (text, site) => {
        const once = site.read(text, undefined, 'pbx');
        if (once.ok) expect(site.read(once.value.canonical, undefined, 'pbx')).toEqual(once);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('the class of a number', () => {
  test.each([
    ['premium rate', '+449012345678', 'premium-rate,national'],
    ['premium rate abroad', '+48701234567', 'premium-rate,international'],
    ['premium rate of no country', '+97912345678', 'premium-rate,international'],
    ['a satellite telephone (Iridium)', '+881612345678', 'satellite,international'],
    ['a satellite telephone (Inmarsat)', '+870773123456', 'satellite,international'],
    ['a satellite telephone (Thuraya)', '+8821612345678', 'satellite,international'],
    ['a mobile', '+447400123456', 'mobile,national'],
    ['a mobile abroad', '+33612345678', 'mobile,international'],
    ['free of charge', '+448001111111', 'toll-free,national'],
    ['shared cost', '+443001234567', 'shared-cost,national'],
    ['national', '+441632960123', 'national'],
    ['international', '+33142685300', 'international'],
    ['an island that shares +1', '+12684601234', 'international'],
    ['a number of no range in +1', '+10005550123', 'unknown,international'],
  ])('%s', (_what, number, classes) => {
    expect(read(gb, number)).toMatch(new RegExp(` ${classes}$`));
  });

  test('of an island that shares +1 with the site is international all the same', () => {
    expect(read(us, '+12684601234')).toBe('number +12684601234 AG international');
    expect(read(us, '+12025550123')).toBe('number +12025550123 US national');
  });
});

describe('an emergency number', () => {
  test.each([
    ['of the country', gb, '999'],
    ['of Europe', gb, '112'],
    ['with a context', gb, '112;phone-context=+44'],
    ['behind the prefix for an outside line', gb, '9999'],
    ['behind it, with separators', gb, '9-1-1-2'],
    ['of the USA', us, '911'],
    ['where no country is named', nowhere, '112'],
  ])('%s is one by exact match', (_what, site, user) => {
    expect(read(site, user)).toMatch(/^emergency (999|112|911) \S+ emergency$/);
  });

  test.each([
    ['with a digit more', gb, '1123'],
    ['with a plus', gb, '+112'],
    ['of another country', gb, '911'],
    ['behind zeros', gb, '00112'],
  ])('%s is none', (_what, site, user) => {
    expect(read(site, user)).not.toMatch(/^emergency/);
  });

  test('is dialled for urn:service:sos and its services, and for no other URN (RFC 5031)', () => {
    expect(gb.readUrn('urn:service:sos')).toMatchObject({ kind: 'emergency', canonical: '999' });
    expect(us.readUrn('URN:service:SOS.fire')).toMatchObject({ kind: 'emergency', canonical: '911' });
    const longest = `urn:service:sos.${'a'.repeat(20)}.${'b'.repeat(20)}.${'c'.repeat(21)}`;
    for (const service of ['urn:service:sos.animal-control.x1', 'urn:service:sos.a', longest]) {
      expect(gb.readUrn(service)).toMatchObject({ kind: 'emergency' });
    }
    expect(gb.readUrn(`${longest}c`)).toBeUndefined();
    for (const other of [
      'urn:service:counseling',
      'urn:service:sosx',
      'urn:service:sossy',
      'urn:service:sos.fire.-',
      'urn:service:sos.',
      'urn:service:sos.a b',
    ]) {
      expect(gb.readUrn(other)).toBeUndefined();
    }
  });

  test('may be named by the site in place of those of its country', () => {
    const own = new SiteNumbers({ country: 'GB', emergency: ['2222'] });
    expect(read(own, '2222')).toBe('emergency 2222 GB emergency');
    expect(read(own, '999')).toMatch(/^number 999/);
  });
});
