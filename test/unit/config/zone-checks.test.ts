import { describe, expect, test } from 'vitest';
import { scenarioConfig } from '../../support/scenario-config.ts';

function mistakes(tables: string): string {
  try {
    scenarioConfig({ tables });
    return '';
  } catch (thrown) {
    return String(thrown);
  }
}

const zone = (keys: string): string => `[[zone]]\nname = "z"\n${keys}`;

describe('zones', () => {
  test('that somebody can be in are taken', () => {
    expect(mistakes(`${zone('listeners = ["phones"]\nnetworks = ["192.0.2.0/24"]\ninterfaces = ["wg0"]')}`)).toBe('');
  });

  test.each([
    ['nothing', zone(''), 'zone[0].name: says nothing: it names no listener, network or interface'],
    ['a listener that is not there', zone('listeners = ["x"]'), 'zone[0].listeners: there is no listener "x"'],
    ['listeners of PBXs alone', zone('listeners = ["to-pbx"]'), 'zone[0].name: no user reaches it'],
    ['another IP version', zone('networks = ["2001:db8::/32"]'), 'of different IP versions'],
    ['a block with bits too many', zone('networks = ["192.0.2.1/24"]'), 'zone[0].networks[0]'],
    [
      'its name twice',
      `${zone('listeners = ["phones"]')}\n${zone('listeners = ["phones"]')}`,
      'there are two zones named "z"',
    ],
    ['an unknown zone of a group', '[[group]]\nname = "g"\nzones = ["x"]', 'group[0].zones: there is no zone "x"'],
  ])('that say %s are mistakes', (_what, tables, expected) => {
    expect(mistakes(tables)).toContain(expected);
  });

  test('of interfaces are of no use where a listener cannot tell them apart', () => {
    const more = `[[network]]\nname = "plain"\nmedia = [{ address = "192.0.2.9" }]\nencryption = "off"
[[listener]]\nname = "any"\nnetwork = "plain"\ntransport = "udp"\naddress = "0.0.0.0:5070"\nadvertise = "sbc.example.com:5070"\n`;
    const text = mistakes(`${more}${zone('listeners = ["any"]\ninterfaces = ["wg0"]')}`);
    expect(text).toContain('no listener tells its interfaces apart');
    expect(mistakes(`${more}${zone('listeners = ["any", "phones"]\ninterfaces = ["wg0"]')}`)).toBe('');
  });
});
