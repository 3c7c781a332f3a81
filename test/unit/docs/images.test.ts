// Pictures of the documentation: each is shown somewhere, and the one that can be drawn without a browser is what is drawn now.
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { topPicture } from '../../../scripts/screenshots/top-picture.ts';

const images = 'docs/images';

test('the picture of `top` is what it draws now (npm run screenshots)', () => {
  expect(readFileSync(`${images}/top.svg`, 'utf8')).toBe(topPicture());
});

test('every picture is shown in the README or the operations manual, and none is shown that is not there', () => {
  const shown = ['README.md', 'docs/operations.md', 'bench/results/README.md', 'bench/README.md'].flatMap((file) =>
    Array.from(readFileSync(file, 'utf8').matchAll(/images\/([\w-]+\.(?:png|svg))/g), ([, name]) => name),
  );
  expect(readdirSync(images).toSorted()).toEqual([...new Set(shown)].toSorted());
});
