import { describe, expect, test } from 'vitest';
import { readConfig } from '../../../src/config/load.ts';
import { least } from './least-config.ts';

function mistakes(more: string): readonly string[] {
  const result = readConfig(`${least}\n${more}`, 'f');
  return result.ok ? [] : result.error.map(({ line, key, message }) => `${line > 1} ${key}: ${message}`);
}

const rule = (keys: string, more = ''): string => `[fraud]\n${more}\n[[fraud.rule]]\nname = "x"\n${keys}`;

describe('rules of fraud detection', () => {
  test('that say something are taken', () => {
    const hours = '[[hours]]\nname = "office"\nzone = "UTC"\nopen = ["mon-fri 08:00-18:00"]\n';
    expect(
      mistakes(
        `${hours}${rule('kind = "out-of-hours-calls"\nwarn = 2\nact = 3\nactions = ["refuse-class"]', 'mode = "active"\nhours = "office"')}`,
      ),
    ).toEqual([]);
  });

  test.each([
    [
      'neither warn nor act',
      rule('kind = "spend"'),
      'fraud.rule[0].name: says nothing: it has neither "warn" nor "act"',
    ],
    [
      'a warning above the act',
      rule('kind = "spend"\nwarn = 5\nact = 5'),
      'fraud.rule[0].warn: 5 is not below "act", which is 5',
    ],
    [
      'actions that never come',
      rule('kind = "spend"\nwarn = 5\nactions = ["end-calls"]'),
      'fraud.rule[0].actions: nothing is ever done: there is no "act"',
    ],
    [
      'a window of seconds',
      rule('kind = "spend"\nact = 5\nwindow = "30s"'),
      'fraud.rule[0].window: is shorter than a minute',
    ],
    [
      'no table of networks',
      rule('kind = "new-source-country"\nact = 1'),
      'fraud.rule[0].kind: needs "networks", the file that says which country a network is in',
    ],
    [
      'no normal hours',
      rule('kind = "out-of-hours-calls"\nact = 1'),
      'fraud.rule[0].kind: needs "hours", the name of the hours that are normal',
    ],
    ['hours that are not there', '[fraud]\nhours = "night"', 'fraud.hours: there are no hours "night"'],
    [
      'two of a name',
      `${rule('kind = "spend"\nact = 1')}\n[[fraud.rule]]\nname = "x"\nkind = "spend"\nact = 2`,
      'fraud.rule[1].name: there are two rules of fraud detection named "x"',
    ],
  ])('are refused with %s', (_what, more, expected) => {
    expect(mistakes(more)).toEqual([`true ${expected}`]);
  });
});
