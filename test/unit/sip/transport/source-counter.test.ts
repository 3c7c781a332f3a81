import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SourceCounter } from '../../../../src/sip/transport/source-counter.ts';

test('each source has its own bound, and all have one together', () => {
  const counter = new SourceCounter(3, 2);
  expect([counter.add('192.0.2.1'), counter.add('192.0.2.1'), counter.add('192.0.2.1')]).toEqual([true, true, false]);
  expect([counter.add('192.0.2.2'), counter.add('192.0.2.3')]).toEqual([true, false]);
  counter.remove('192.0.2.1');
  expect(counter.add('192.0.2.3')).toBe(true);
  expect(counter.total).toBe(3);
});

test('an IPv6 host is one source with all addresses of its /64', () => {
  const counter = new SourceCounter(10, 2);
  expect(['2001:db8::1', '2001:db8::2', '2001:db8::3'].map((address) => counter.add(address))).toEqual([
    true,
    true,
    false,
  ]);
  counter.remove('2001:db8::ffff');
  expect(counter.add('2001:db8::4')).toBe(true);
});

test('what was not counted is not uncounted', () => {
  const counter = new SourceCounter(1, 1);
  counter.add('192.0.2.1');
  expect(counter.add('192.0.2.1')).toBe(false);
  counter.remove('192.0.2.9');
  expect(counter.total).toBe(1);
});

test('counts like a list of who holds what, and keeps nothing of sources that left', () => {
  const event = fc.record({ source: fc.constantFrom('192.0.2.1', '192.0.2.2', '192.0.2.3'), adds: fc.boolean() });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 100 }), (events) => {
      const counter = new SourceCounter(5, 3);
      const held: string[] = [];
      for (const { source, adds } of events) {
        const own = held.filter((one) => one === source).length;
        if (adds) {
          const fits = held.length < 5 && own < 3;
          expect(counter.add(source)).toBe(fits);
          if (fits) held.push(source);
        } else {
          counter.remove(source);
          if (own > 0) held.splice(held.indexOf(source), 1);
        }
        expect(counter.total).toBe(held.length);
        expect(counter.sources).toBe(new Set(held).size);
      }
    }),
  );
});
