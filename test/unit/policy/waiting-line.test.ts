// Who waits for a turn: bounded, each source in its turn, and gone with its connection.
import { expect, test } from 'vitest';
import { type Arrival, placeSizeBytes, WaitingLine } from '../../../src/policy/waiting-line.ts';

function arrival(what: string, more: Partial<Arrival<string>> = {}): Arrival<string> {
  const flow = more.flow ?? what;
  return { what, now: 0, source: 'office', flow, sizeBytes: 600, copyOf: undefined, ...more };
}

function emptied(line: WaitingLine<string>): readonly string[] {
  const taken: string[] = [];
  for (let place = line.take(); place !== undefined; place = line.take()) taken.push(place.what);
  return taken;
}

test('one source is served in the order of arrival', () => {
  const line = new WaitingLine<string>(() => 10);
  for (const what of ['a', 'b', 'c']) expect(line.add(arrival(what, { now: what.charCodeAt(0) }))).toBe(true);
  expect(line.length).toBe(3);
  expect(line.next).toMatchObject({ what: 'a', since: 97 });
  expect(emptied(line)).toEqual(['a', 'b', 'c']);
  expect([line.length, line.next]).toEqual([0, undefined]);
});

test('sources take turns, so that who sends much is in nobody else’s way', () => {
  const line = new WaitingLine<string>(() => 100);
  for (const what of ['a1', 'a2', 'a3', 'a4']) line.add(arrival(what, { source: 'flood' }));
  line.add(arrival('b1', { source: 'home' }));
  line.add(arrival('c1', { source: 'shop' }));
  line.add(arrival('b2', { source: 'home' }));
  expect(emptied(line)).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3', 'a4']);
});

test('one source has no more places than it leaves free', () => {
  const line = new WaitingLine<string>(() => 10);
  const flood = Array.from({ length: 20 }, (_, index) => line.add(arrival(`f${index}`, { source: 'flood' })));
  expect(flood.filter((isIn) => isIn)).toHaveLength(5);
  const others = Array.from({ length: 20 }, (_, index) => line.add(arrival(`o${index}`, { source: `home-${index}` })));
  expect(others.filter((isIn) => isIn)).toHaveLength(5);
  expect(line.length).toBe(10);
});

test('what is large takes as many places as it needs, of its source and of all', () => {
  const line = new WaitingLine<string>(() => 95);
  const large = (index: number, source: string): boolean =>
    line.add(arrival(`${source}${index}`, { source, sizeBytes: 32 * placeSizeBytes }));
  // One source has no more than it leaves free, and 65 kB take what 32 REGISTERs take.
  expect([large(0, 'flood'), large(1, 'flood')]).toEqual([true, false]);
  for (let index = 0; index < 30; index += 1)
    expect(line.add(arrival(`r${index}`, { source: `home-${index}` }))).toBe(true);
  expect([large(0, 'office'), large(0, 'shop')]).toEqual([true, false]);
  line.leave('flood0');
  expect(large(1, 'shop')).toBe(true);
  const datagram = { sizeBytes: 32 * placeSizeBytes, source: 'f', copyOf: 'f' };
  line.clear();
  expect([
    line.add(arrival('f1', datagram)),
    line.add(arrival('f2', { ...datagram, source: 'g', copyOf: 'g' })),
  ]).toEqual([true, false]);
});

test('who may have forged its address shares half of the places', () => {
  const line = new WaitingLine<string>(() => 10);
  const forged = Array.from({ length: 20 }, (_, index) =>
    line.add(arrival(`f${index}`, { source: `f${index}`, copyOf: `f${index}` })),
  );
  expect(forged.filter((isIn) => isIn)).toHaveLength(5);
  expect(line.add(arrival('a', { source: 'home' }))).toBe(true);
});

test('copies are known while the first one waits', () => {
  const line = new WaitingLine<string>(() => 10);
  line.add(arrival('a', { copyOf: 'register' }));
  expect(line.holds('register')).toBe(true);
  line.take();
  expect(line.holds('register')).toBe(false);
});

test('what came over a flow that is gone waits no longer, and nothing is left of it', () => {
  const line = new WaitingLine<string>(() => 100);
  for (let round = 0; round < 3; round += 1) {
    for (const flow of ['a', 'b', 'c']) {
      line.add(
        arrival(`${flow}${round}`, { flow, source: flow === 'c' ? 'home' : 'office', copyOf: `${flow}${round}` }),
      );
    }
  }
  line.leave('a');
  line.leave('a');
  line.leave('unknown');
  expect(line.length).toBe(6);
  expect(line.holds('a1')).toBe(false);
  expect(emptied(line)).toEqual(['b0', 'c0', 'b1', 'c1', 'b2', 'c2']);
});

test('all of it can be let go of', () => {
  const line = new WaitingLine<string>(() => 100);
  for (const what of ['a', 'b', 'c']) line.add(arrival(what, { source: what, copyOf: what }));
  line.clear();
  expect([line.length, line.next, line.holds('a')]).toEqual([0, undefined, false]);
  line.add(arrival('d'));
  expect(emptied(line)).toEqual(['d']);
});

test('a limit that a reload makes smaller turns away who comes then', () => {
  let places = 10;
  const line = new WaitingLine<string>(() => places);
  for (const what of ['a', 'b', 'c']) line.add(arrival(what, { source: what }));
  places = 2;
  expect(line.add(arrival('d', { source: 'd' }))).toBe(false);
  expect(emptied(line)).toEqual(['a', 'b', 'c']);
});
