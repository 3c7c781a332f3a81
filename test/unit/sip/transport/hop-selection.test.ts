// The order of NAPTR and SRV records (RFC 3263 §4.1, §4.2; RFC 2782).
import { describe, expect, test } from 'vitest';
import { defaultServiceName, inDrawnOrder, serviceName } from '../../../../src/sip/transport/hop-selection.ts';
import { SeededRandom } from '../../../support/fake-time.ts';

const naptr = (service: string, order: number, preference: number, replacement: string, flags = 's') => ({
  service,
  order,
  preference,
  replacement,
  flags,
});

describe('NAPTR (RFC 3263 §4.1)', () => {
  // The example of the section.
  const records = [
    naptr('SIP+D2T', 90, 50, '_sip._tcp.example.com'),
    naptr('SIP+D2U', 100, 50, '_sip._udp.example.com'),
    naptr('SIPS+D2T', 50, 50, '_sips._tcp.example.com'),
  ];

  test.each([
    ['udp', '_sip._udp.example.com'],
    ['tcp', '_sip._tcp.example.com'],
    ['tls', '_sips._tcp.example.com'],
  ] as const)('for %s is the record of that transport', (transport, name) => {
    expect(serviceName(records, transport)).toBe(name);
  });

  test('TLS never takes a record that is not SIPS', () => {
    expect(serviceName([naptr('SIP+D2T', 1, 1, '_sip._tcp.example.com')], 'tls')).toBeUndefined();
  });

  test('goes by order, then preference, and only by records that lead to SRV', () => {
    const found = serviceName(
      [
        naptr('sip+d2u', 20, 1, 'third.example'),
        naptr('SIP+D2U', 10, 20, 'second.example'),
        naptr('SIP+D2U', 10, 10, 'First.example', 'S'),
        naptr('SIP+D2U', 1, 1, 'address.example', 'a'),
        naptr('SIP+D2U', 1, 1, ''),
      ],
      'udp',
    );
    expect(found).toBe('first.example');
  });

  test('without one the service is named by transport and host (§4.2)', () => {
    expect(defaultServiceName('example.com', 'tls')).toBe('_sips._tcp.example.com');
    expect(defaultServiceName('example.com', 'udp')).toBe('_sip._udp.example.com');
    expect(defaultServiceName('example.com', 'tcp')).toBe('_sip._tcp.example.com');
  });
});

describe('SRV (RFC 2782)', () => {
  test('the lowest priority comes first, whatever the weights', () => {
    const records = [
      { priority: 20, weight: 65_535, name: 'b' },
      { priority: 10, weight: 0, name: 'a' },
    ];
    for (let seed = 1; seed < 50; seed += 1) {
      expect(inDrawnOrder(records, new SeededRandom(seed)).map(({ name }) => name)).toEqual(['a', 'b']);
    }
  });

  test('within a priority the first place is drawn by weight, and each record has a place', () => {
    const records = [
      { priority: 1, weight: 30, name: 'a' },
      { priority: 1, weight: 60, name: 'b' },
      { priority: 1, weight: 10, name: 'c' },
      { priority: 1, weight: 0, name: 'd' },
    ];
    const random = new SeededRandom(7);
    const first: Record<string, number> = { a: 0, b: 0, c: 0, d: 0 };
    for (let draw = 0; draw < 10_000; draw += 1) {
      const order = inDrawnOrder(records, random).map(({ name }) => name);
      expect(order.toSorted()).toEqual(['a', 'b', 'c', 'd']);
      first[order[0] ?? ''] = (first[order[0] ?? ''] ?? 0) + 1;
    }
    expect(first['a']).toBeGreaterThan(2_700);
    expect(first['a']).toBeLessThan(3_300);
    expect(first['b']).toBeGreaterThan(5_600);
    expect(first['b']).toBeLessThan(6_400);
    expect(first['d']).toBeGreaterThan(0);
    expect(first['d']).toBeLessThan(300);
  });
});
