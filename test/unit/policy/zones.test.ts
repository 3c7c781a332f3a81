import { describe, expect, test } from 'vitest';
import { parseCidr } from '../../../src/core/cidr.ts';
import { accessRefusal } from '../../../src/policy/access.ts';
import type { RuleTrace } from '../../../src/policy/verdict.ts';
import { type Zone, Zones } from '../../../src/policy/zones.ts';

function zone(name: string, parts: Partial<Omit<Zone, 'networks'>> & { readonly networks?: readonly string[] }): Zone {
  const { networks = [], listeners = [], localAddresses } = parts;
  const blocks = networks.map((block) => {
    const cidr = parseCidr(block);
    if (!cidr.ok) throw new Error(cidr.error);
    return cidr.value;
  });
  return { name, listeners, networks: blocks, localAddresses };
}

const zones = new Zones([
  zone('office', { networks: ['192.0.2.0/24', '2001:db8::/32'] }),
  zone('vpn', { localAddresses: ['10.8.0.1'] }),
  zone('guests', { listeners: ['wifi'], networks: ['192.0.2.128/25'] }),
  zone('down', { localAddresses: [] }),
]);

describe('a zone', () => {
  test.each([
    ['198.51.100.7', 'phones', '203.0.113.1', []],
    ['192.0.2.7', 'phones', '203.0.113.1', ['office']],
    ['::ffff:192.0.2.7', 'phones', '203.0.113.1', ['office']],
    ['2001:db8::1', 'phones', '2001:db8::2', ['office']],
    ['198.51.100.7', 'phones', '10.8.0.1', ['vpn']],
    ['192.0.2.200', 'wifi', '203.0.113.1', ['office', 'guests']],
    ['192.0.2.7', 'wifi', '203.0.113.1', ['office']],
    ['not an address', 'wifi', 'not an address', []],
  ])('is told by source, listener and reached address: %s over %s to %s', (source, listener, local, expected) => {
    expect(zones.of({ source, listener, local })).toEqual(expected);
  });

  test('of an interface without an address has nobody in it, and neither has one of another address than that reached', () => {
    expect(zones.of({ source: '10.8.0.7', listener: 'phones', local: '0.0.0.0' })).toEqual([]);
  });
});

describe('a user who is held to zones', () => {
  const terms = { zones: ['office', 'vpn'], secondFactor: 'off' } as const;

  test('may come from any of them', () => {
    const trace: RuleTrace[] = [];
    const facts = { from: '192.0.2.7 over phones', zones: ['guests', 'office'] };
    expect(accessRefusal('alice@pbx.test', terms, facts, trace)).toBeUndefined();
    expect(trace).toEqual([
      { rule: 'zone', input: '192.0.2.7 over phones, in guests, office', answer: 'allow: office' },
    ]);
  });

  test('is refused from elsewhere, with the reason in the detail and not in what goes on the wire', () => {
    const trace: RuleTrace[] = [];
    const facts = { from: '198.51.100.7 over phones', zones: [] };
    expect(accessRefusal('alice@pbx.test', terms, facts, trace)).toEqual({
      code: 'zone-denied',
      status: 403,
      text: 'Not allowed',
      detail: 'alice@pbx.test may come from office, vpn only, and came from 198.51.100.7 over phones, in no zone',
    });
    expect(trace.at(-1)?.answer).toBe('deny: only from office, vpn');
  });

  test('is refused where nothing is known of where it came from; one who is held to none is never asked', () => {
    expect(accessRefusal('alice@pbx.test', terms, undefined, [])?.code).toBe('zone-denied');
    const trace: RuleTrace[] = [];
    expect(accessRefusal('bob@pbx.test', { zones: [], secondFactor: 'off' }, undefined, trace)).toBeUndefined();
    expect(trace).toEqual([]);
  });
});
