// Private names in the bundle: plain properties, at the same places, but where that would change what the program does.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { withPlainFields, withTraps } from '../../../scripts/package/plain-fields.ts';
import { TimerHeap } from '../../../src/core/scheduler.ts';
import { reads } from '../../support/trapped-fields.ts';

const root = join(import.meta.dirname, '../../..');
const plain = (source: string): string => withPlainFields('a.ts', source);

describe('plain fields', () => {
  test('are fields, methods and accessors of a class, wherever they are asked for', () => {
    const source = 'class A { #a = 1; get #b() { return this.#a; } async #c(o: A) { return o?.#b; } }';
    expect(plain(source)).toBe('class A { $a = 1; get $b() { return this.$a; } async $c(o: A) { return o?.$b; } }');
  });

  test('are not what looks like them in text', () => {
    const source = `class A { #a = '#a'; /* #a */ b = \`#a \${this.#a} #a\`; c = /#a/; }`;
    expect(plain(source)).toBe(`class A { $a = '#a'; /* #a */ b = \`#a \${this.$a} #a\`; c = /#a/; }`);
  });

  test('are none of a class that extends another: both may have the same name', () => {
    const source = 'class A { #a = 1; } class B extends A { #a = 2; b = () => this.#a; }';
    expect(plain(source)).toBe('class A { $a = 1; } class B extends A { #a = 2; b = () => this.#a; }');
  });

  test('are of the innermost class that has the name', () => {
    const source =
      'class A { #a = 1; b(o: A) { return class extends C { #a = 2; #c = o.#b; d = this.#a; }; } #b = 3; }';
    expect(plain(source)).toBe(
      'class A { $a = 1; b(o: A) { return class extends C { #a = 2; #c = o.$b; d = this.#a; }; } $b = 3; }',
    );
  });

  test.each([
    'class A { #a = 1; b = (o: object) => #a in o; }',
    'class A { #a = 1; $a = 2; }',
    'class A { #a = 1; } const $b = 1;',
  ])('refuse %s', (source) => {
    expect(() => plain(source)).toThrow(/^a\.ts:1: /);
  });

  test('leave every place in our sources where it was', () => {
    for (const file of globSync('src/**/*.ts', { cwd: root })) {
      const source = readFileSync(join(root, file), 'utf8');
      const rewritten = withPlainFields(file, source);
      expect(rewritten.replaceAll('$', '#')).toBe(source.replaceAll('$', '#'));
    }
  });
});

describe('traps', () => {
  test('are set in each object before it has fields of its own, and leave its names', () => {
    const source = 'class A implements B {\n  #a = 1;\n}\nclass C { #d() {} }\nclass D extends A { #e = 1; }';
    expect(withTraps('a.ts', source)).toBe(source.replace('{\n', '{$trap = globalThis.trapFields?.(this);\n'));
  });

  test.each([
    ['copies', (heap: object) => ({ ...heap })],
    ['writes JSON', (heap: object) => JSON.stringify({ heap })],
    ['sends to a thread', (heap: object) => structuredClone({ heap })],
  ])('tell of whoever %s an object of ours', (_name, read) => {
    expect(() => read(new TimerHeap())).toThrow('all fields of a TimerHeap are read');
    expect(reads.splice(0)).toHaveLength(1);
  });
});
