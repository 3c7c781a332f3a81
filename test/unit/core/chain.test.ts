// A list from whose middle things are taken out.
import { expect, test } from 'vitest';
import { Chain } from '../../../src/core/chain.ts';

function emptied(chain: Chain<string>): readonly string[] {
  const items: string[] = [];
  for (let item = chain.shift(); item !== undefined; item = chain.shift()) items.push(item);
  return items;
}

test('gives what it was given, the first one first', () => {
  const chain = new Chain<string>();
  for (const item of ['a', 'b', 'c']) chain.push(item);
  expect([chain.length, chain.first]).toEqual([3, 'a']);
  expect(emptied(chain)).toEqual(['a', 'b', 'c']);
  expect([chain.length, chain.first]).toEqual([0, undefined]);
  chain.push('d');
  expect(emptied(chain)).toEqual(['d']);
});

test.each([
  ['a', ['b', 'c', 'd']],
  ['b', ['a', 'c', 'd']],
  ['c', ['a', 'b', 'd']],
])('goes on without %s, which is taken out once', (out, left) => {
  const chain = new Chain<string>();
  const links = new Map(['a', 'b', 'c'].map((item) => [item, chain.push(item)]));
  const link = links.get(out);
  if (link === undefined) throw new Error('no link');
  chain.remove(link);
  chain.remove(link);
  expect(chain.length).toBe(2);
  chain.push('d');
  expect(emptied(chain)).toEqual(left);
});
