import { describe, expect, test } from 'vitest';
import { readConfig } from '../../../src/config/load.ts';
import { least } from './least-config.ts';

function mistakes(more: string): readonly string[] {
  const result = readConfig(`${least}\n${more}`, 'f');
  return result.ok ? [] : result.error.map(({ key, message }) => `${key}: ${message}`);
}

const rule = (keys: string): string => `[[rule]]\nname = "r"\naction = "deny"\n${keys}\n`;
const limit = (keys: string): string => `[[limit]]\nname = "l"\n${keys}\n`;
const hours = (keys: string): string => `[[hours]]\nname = "office"\n${keys}\n`;
const office = hours(
  'zone = "Europe/London"\nopen = ["mon-fri 08:00-18:00", "sat 22:00-02:00"]\nholidays = ["12-25", "2026-04-03"]',
);

describe('rules, limits and hours', () => {
  test('that say something of what exists are taken', () => {
    expect(
      mistakes(
        `[[group]]\nname = "sales"\n${office}${rule('groups = ["sales"]\nhours = "office"')}${limit('calls_per_minute = 3')}`,
      ),
    ).toEqual([]);
  });

  test.each([
    ['a rule of a group that is none', rule('groups = ["sales"]'), 'rule[0].groups: there is no group "sales"'],
    ['a rule of a trunk that is none', rule('trunks = ["moon"]'), 'rule[0].trunks: there is no trunk "moon"'],
    [
      'a limit of a group that is none',
      limit('concurrent_calls = 1\ngroups = ["sales"]'),
      'limit[0].groups: there is no group "sales"',
    ],
    ['hours that are none', rule('hours = "office"'), 'rule[0].hours: there are no hours "office"'],
    ['a limit that limits nothing', limit('per = "node"'), 'limit[0].name: limits nothing: it names no number'],
    ['an emergency trunk that is none', '[emergency]\nvia = "trunk:moon"', 'emergency.via: there is no trunk "moon"'],
    ['an emergency PBX that is none', '[emergency]\nvia = "pbx:moon"', 'emergency.via: there is no pbx "moon"'],
  ])('are refused: %s', (_what, text, expected) => {
    expect(mistakes(text)).toEqual([expected]);
  });

  test.each([
    [
      'a zone that is none',
      hours('zone = "Europe/Atlantis"\nopen = ["mon 08:00-18:00"]'),
      'there is no time zone "Europe/Atlantis"',
    ],
    ['a day that is none', hours('zone = "UTC"\nopen = ["mum 08:00-18:00"]'), 'hours[0].open[0]'],
    ['an hour that is none', hours('zone = "UTC"\nopen = ["mon 08:00-25:00"]'), 'hours[0].open[0]'],
    ['a span of no time', hours('zone = "UTC"\nopen = ["mon 08:00-08:00"]'), 'hours[0].open[0]'],
    [
      'a holiday that is no date',
      hours('zone = "UTC"\nopen = ["mon 08:00-18:00"]\nholidays = ["christmas"]'),
      'hours[0].holidays[0]',
    ],
    ['a limit in a zone that is none', limit('minutes_per_day = 3\nzone = "Mars"'), 'there is no time zone "Mars"'],
  ])('are refused where they are written wrongly: %s', (_what, text, expected) => {
    expect(mistakes(text).join('\n')).toContain(expected);
  });
});
