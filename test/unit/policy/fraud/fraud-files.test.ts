// The two small tables that an operator gives: prices by prefix, countries by network.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PriceTable, parsePrices } from '../../../../src/policy/fraud/price-table.ts';
import { SourceCountries } from '../../../../src/policy/fraud/source-countries.ts';

function countries(text: string): SourceCountries {
  const parsed = SourceCountries.parse(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

describe('prices', () => {
  test('are those of the longest prefix, of any other number the usual, and of an extension none', () => {
    const parsed = parsePrices('# in euros\n+44,0.02\n+447 , 0.1\n\n+882,6\r\n');
    const table = new PriceTable(parsed.ok ? parsed.value : new Map(), 0.3);
    expect(
      ['+442071838750', '+447400123456', '+8821612345678', '+33142685300', '600'].map((n) => table.perMinute(n)),
    ).toEqual([0.02, 0.1, 6, 0.3, 0]);
  });

  test.each([
    ['+44', 'line 1: expected "+PREFIX,PRICE", got "+44"'],
    ['+44,1\n44,1', 'line 2: expected "+PREFIX,PRICE", got "44,1"'],
    ['+44,-1', 'line 1: expected "+PREFIX,PRICE", got "+44,-1"'],
    ['+44,1\n+44,2', 'line 2: there are two prices of +44'],
  ])('%j is refused by line', (text, error) => {
    expect(parsePrices(text)).toEqual({ ok: false, error });
  });
});

describe('countries of networks', () => {
  const table = countries('2001:db8:1::/48,FR\n198.51.100.0/25,GB\n198.51.100.128/25,VN\n2001:db8::/64,DE\n');

  test.each([
    ['198.51.100.0', 'GB'],
    ['198.51.100.127', 'GB'],
    ['198.51.100.128', 'VN'],
    ['::ffff:198.51.100.1', 'GB'],
    ['198.51.101.0', undefined],
    ['198.51.99.255', undefined],
    ['2001:db8::1', 'DE'],
    ['2001:db8:1:ffff::1', 'FR'],
    ['2001:db8:2::1', undefined],
    ['nonsense', undefined],
  ])('%s is in %s', (address, country) => {
    expect(table.of(address)).toBe(country);
  });

  test.each([
    ['198.51.100.0/24', 'line 1: expected "ADDRESS/LENGTH,COUNTRY", got "198.51.100.0/24"'],
    ['# x\n198.51.100.1/24,GB', 'line 2: expected "ADDRESS/LENGTH,COUNTRY", got "198.51.100.1/24,GB"'],
    ['198.51.100.0/24,Britain', 'line 1: expected "ADDRESS/LENGTH,COUNTRY", got "198.51.100.0/24,Britain"'],
    ['198.51.100.0/24,GB\n198.51.100.0/25,VN', 'two networks overlap: each address must be in one'],
  ])('%j is refused', (text, error) => {
    expect(SourceCountries.parse(text)).toEqual({ ok: false, error });
  });

  test('never throws, whatever the file is', () => {
    fc.assert(fc.property(fc.string(), (text) => typeof SourceCountries.parse(text).ok === 'boolean'));
    fc.assert(fc.property(fc.string(), (text) => typeof parsePrices(text).ok === 'boolean'));
  });
});
