import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { ownText } from '../../../src/core/own-text.ts';

setFlagsFromString('--expose-gc');
const megabytes = (): number => {
  runInNewContext('gc()');
  return process.memoryUsage().heapUsed / 2 ** 20;
};

test('the text is the same, whatever it is made of', () => {
  for (const text of ['', 'z9hG4bK-1', 'Grüße', '日本 🎈']) expect(ownText(text)).toBe(text);
});

/** Parts of half-megabyte texts that are there no more, and what is in memory for them, in MB. */
function kept(take: (part: string) => string): { readonly parts: readonly string[]; readonly size: number } {
  const before = megabytes();
  const texts = Array.from('abcdefghijklmnopqrstuvwxyz', (letter) => letter.repeat(2 ** 19));
  const parts = texts.map((text) => take(text.slice(100, 140)));
  texts.length = 0;
  return { parts, size: megabytes() - before };
}

test('it does not keep the text that it was cut from', () => {
  const own = kept(ownText);
  const cut = kept((part) => part);
  expect(own.parts).toEqual(cut.parts);
  expect(own.size).toBeLessThan(2);
  expect(cut.size).toBeGreaterThan(10);
});
