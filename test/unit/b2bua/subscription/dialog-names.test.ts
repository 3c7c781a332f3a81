import { expect, test } from 'vitest';
import { DialogNames, maxDialogNames } from '../../../../src/b2bua/subscription/dialog-names.ts';
import { SeededRandom } from '../../../support/fake-time.ts';

test('a dialog keeps its name, and is found by it and by no other', () => {
  const names = new DialogNames(new SeededRandom());
  const name = names.nameOf('a@10.0.0.5');
  expect(name).toMatch(/^[0-9a-f]{32}$/);
  expect(names.nameOf('b@10.0.0.5')).not.toBe(name);
  expect(names.nameOf('a@10.0.0.5')).toBe(name);
  expect(names.callIdOf(name)).toBe('a@10.0.0.5');
  expect(names.callIdOf('a@10.0.0.5')).toBeUndefined();
});

test('those that nobody spoke of for longest are forgotten', () => {
  const names = new DialogNames(new SeededRandom());
  const [first, second] = [names.nameOf('first'), names.nameOf('second')];
  for (let index = 2; index < maxDialogNames; index += 1) names.nameOf(`other ${index}`);
  names.nameOf('first');
  names.nameOf('one more');
  expect(names.callIdOf(first)).toBe('first');
  expect(names.callIdOf(second)).toBeUndefined();
});
