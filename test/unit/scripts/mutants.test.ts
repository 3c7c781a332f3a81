import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { mutantsOf } from '../../../scripts/mutate/mutants.ts';

/** The texts that its mutants make of a source. */
function mutated(text: string): readonly string[] {
  return mutantsOf('a.ts', text).map(
    ({ start, end, replacement }) => text.slice(0, start) + replacement + text.slice(end),
  );
}

describe('the faults that are planted', () => {
  test.each([
    ['limit', 'const isFull = size >= limit;', ['const isFull = size > limit;', 'const isFull = size < limit;']],
    ['a condition', 'if (isOpen) close();', ['if (true) close();', 'if (false) close();', 'if (isOpen) ;']],
    ['an assignment', 'this.state = next;', [';']],
    ['a call that is waited for, or not', 'void tell(); await ask();', ['; await ask();', 'void tell(); ;']],
    ['a fallback', 'const size = known ?? largest;', ['const size = largest;']],
    ['a fallback, but not what an element falls back to', 'const size = known[at] ?? 2;', ['const size = 2;']],
    ['a step of a chain', 'const name = text.trim().length;', ['const name = text.length;']],
    ['a bound', 'const size = Math.min(a, b);', ['const size = Math.max(a, b);']],
    ['a word', "const way = 'in';", ["const way = '';"]],
  ])('%s', (_what, text, expected) => {
    expect(mutated(text)).toEqual(expected);
  });

  test.each([
    ['types', "type Way = 'in' | 1; interface A { way: 'in' }; let way: 'in';"],
    ['where modules are', "import { a } from './a.ts'; export { b } from './b.ts';"],
    ['the words of an error', "throw new SbcError('code', 'so much', { of: 2 });"],
    ['the words of a mistake of a peer', "const wrong = err('expected a user');"],
    ['what stands for an element that is always there', 'const [a = 1] = b;'],
    ['what only brings memory near', 'class A { preload() { return 1 + 2; } }'],
  ])('are none in %s', (_what, text) => {
    expect(mutated(text)).toEqual([]);
  });

  test.each([
    'if (!a) b();',
    'x = a ? b : c ?? 2;',
    'for (let i = 0; i < 3; i += 1) f(i);',
    "g('a', true).toLowerCase().filter((x) => x % 2 === 0);",
    'a &&= b | 1;',
  ])('are each another text that can be parsed: %s', (text) => {
    for (const other of mutated(text)) {
      expect(other).not.toBe(text);
      expect(ts.transpileModule(other, { reportDiagnostics: true }).diagnostics).toEqual([]);
    }
  });
});
