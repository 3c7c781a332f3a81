import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MessageRing, type TracedMessage } from '../../../../src/observe/trace/message-ring.ts';

function message(text: string, at = 0): TracedMessage {
  return {
    at,
    direction: at % 2 === 0 ? 'in' : 'out',
    transport: 'UDP',
    local: { address: '192.0.2.1', port: 5060 },
    remote: { address: '198.51.100.7', port: 1_024 + at },
    bytes: Buffer.from(text),
  };
}

const textsOf = (messages: readonly TracedMessage[]): readonly string[] =>
  messages.map(({ bytes }) => Buffer.from(bytes).toString());

test('a message comes back as it was, with a copy of its bytes', () => {
  const ring = new MessageRing(1_024);
  const bytes = Buffer.from('INVITE');
  ring.write(7, { ...message('', 3), bytes });
  bytes.fill(0);
  expect(ring.read(7)).toEqual([{ ...message('', 3), bytes: Buffer.from('INVITE') }]);
});

test('messages of keys that share a chain are told apart', () => {
  // Four entries: 1, 5 and 9 share a chain.
  const ring = new MessageRing(1_024);
  for (const [key, text] of [
    [1, 'a'],
    [5, 'b'],
    [9, 'c'],
    [1, 'd'],
  ] as const)
    ring.write(key, message(text));
  expect([1, 5, 9, 13].map((key) => textsOf(ring.read(key)))).toEqual([['a', 'd'], ['b'], ['c'], []]);
});

test('what was taken is not found again, and what came later under its key is', () => {
  const ring = new MessageRing(1_024);
  ring.write(1, message('a'));
  ring.write(1, message('b'));
  expect(textsOf(ring.take(1))).toEqual(['a', 'b']);
  expect(ring.read(1)).toEqual([]);
  ring.write(1, message('c'));
  expect(textsOf(ring.read(1))).toEqual(['c']);
});

test('a message that is larger than the ring is not kept, and costs no other its place', () => {
  const ring = new MessageRing(300);
  ring.write(1, message('a'));
  ring.write(1, message('x'.repeat(301)));
  expect(textsOf(ring.read(1))).toEqual(['a']);
});

test('it holds the latest messages that fit, whatever came in whatever order', () => {
  const step = fc.record({
    key: fc.integer({ min: 0, max: 9 }),
    length: fc.integer({ min: 0, max: 700 }),
    takes: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const capacity = 2_048;
      const ring = new MessageRing(capacity);
      const model = new Model(capacity, 8);
      for (const [index, { key, length, takes }] of steps.entries()) {
        const text = `${index}:`.padEnd(length, '.');
        ring.write(key, message(text));
        model.write(key, text);
        if (takes) expect(textsOf(ring.take(key))).toEqual(model.take(key));
      }
      for (let key = 0; key < 10; key += 1) expect(textsOf(ring.read(key))).toEqual(model.textsOf(key));
    }),
  );
});

/** The same by looking through all that was ever written. */
class Model {
  readonly #capacity: number;
  readonly #slots: number;
  readonly #all: { readonly key: number; readonly text: string; readonly start: number; taken: boolean }[] = [];
  #written = 0;

  constructor(capacity: number, slots: number) {
    this.#capacity = capacity;
    this.#slots = slots;
  }

  write(key: number, text: string): void {
    const offset = this.#written % this.#capacity;
    const skipped = offset + text.length <= this.#capacity ? 0 : this.#capacity - offset;
    this.#all.push({ key, text, start: this.#written + skipped, taken: false });
    this.#written += skipped + text.length;
  }

  #of(key: number): { readonly text: string; taken: boolean }[] {
    return this.#all
      .slice(-this.#slots)
      .filter((one) => one.key === key && !one.taken && one.start >= this.#written - this.#capacity);
  }

  textsOf(key: number): readonly string[] {
    return this.#of(key).map(({ text }) => text);
  }

  take(key: number): readonly string[] {
    const found = this.#of(key);
    for (const one of found) one.taken = true;
    return found.map(({ text }) => text);
  }
}
