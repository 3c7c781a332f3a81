// Positions are compared with those that a writer of random documents noted down while it wrote.
import fc from 'fast-check';
import { parse } from 'smol-toml';
import { describe, expect, test } from 'vitest';
import { KeyPositions, type Path, type Position } from '../../../src/config/locate.ts';

function at(source: string, ...path: Path): string {
  const { line, column } = new KeyPositions(source).find(path);
  return `${line}:${column}`;
}

describe('the position of a key', () => {
  const source = `# a comment with = and [brackets]
title = "x # y = [z"   # another = one

[limits]
  concurrent_calls=2
"quoted key" = 1
'a.b' = 2
"\\u0061\\tc" = 3
dotted . "and quoted" . deep = 4

[[user]]
name = 'alice # "'
media = [
  { address = "1", advertise = [1, 2] }, # } ] [
  {address="2"},
]
text = """
name = "not a key"
""" # end
[user.options]
on = true
[[user]]
name = "bob"
[[user.phones]]
mac = 1
[[user.phones]]
mac = 2
`;

  test.each<[string, Path]>([
    ['2:1', ['title']],
    ['4:1', ['limits']],
    ['5:3', ['limits', 'concurrent_calls']],
    ['6:1', ['limits', 'quoted key']],
    ['7:1', ['limits', 'a.b']],
    ['8:1', ['limits', 'a\tc']],
    ['9:1', ['limits', 'dotted']],
    ['9:1', ['limits', 'dotted', 'and quoted', 'deep']],
    ['11:1', ['user', 0]],
    ['12:1', ['user', 0, 'name']],
    ['13:1', ['user', 0, 'media']],
    ['14:3', ['user', 0, 'media', 0]],
    ['14:5', ['user', 0, 'media', 0, 'address']],
    ['14:20', ['user', 0, 'media', 0, 'advertise']],
    ['14:36', ['user', 0, 'media', 0, 'advertise', 1]],
    ['15:4', ['user', 0, 'media', 1, 'address']],
    ['17:1', ['user', 0, 'text']],
    ['20:1', ['user', 0, 'options']],
    ['21:1', ['user', 0, 'options', 'on']],
    ['22:1', ['user', 1]],
    ['23:1', ['user', 1, 'name']],
    ['25:1', ['user', 1, 'phones', 0, 'mac']],
    ['27:1', ['user', 1, 'phones', 1, 'mac']],
  ])('%s', (expected, path) => {
    expect(at(source, ...path)).toBe(expected);
  });

  test('is that of its table where it is missing, and the beginning of the file where that is too', () => {
    expect(at(source, 'user', 1, 'password')).toBe('22:1');
    expect(at(source, 'limits', 'a', 'b')).toBe('4:1');
    expect(at(source, 'network', 0)).toBe('1:1');
  });

  test('is not moved by CRLF', () => {
    expect(at(source.replaceAll('\n', '\r\n'), 'user', 1, 'name')).toBe('23:1');
  });

  test('is looked for in any text, in a time that grows with its length', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...Array.from('ab"\'\\[]{}=.,# \n\r')), maxLength: 200 }),
        (text) => {
          expect(new KeyPositions(text).find(['a']).line).toBeGreaterThan(0);
        },
      ),
      { numRuns: 2_000 },
    );
    // Counting lines from the start for each key would take minutes.
    expect(at(`${'a=[[1,2],"x"]\n'.repeat(50_000)}b=1`, 'b')).toBe('50001:1');
  });
});

/** Writes TOML and notes where each path begins. */
class Writer {
  text = '';
  readonly expected: { readonly path: Path; readonly position: Position }[] = [];

  put(text: string): void {
    this.text += text;
  }

  mark(path: Path): void {
    const lines = this.text.split('\n');
    this.expected.push({ path, position: { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 } });
  }
}

type Value =
  | { readonly kind: 'scalar'; readonly text: string }
  | { readonly kind: 'array'; readonly items: readonly Value[]; readonly gap: string }
  | { readonly kind: 'table'; readonly entries: readonly Entry[]; readonly gap: string };

interface Entry {
  readonly key: Key;
  readonly value: Value;
}

interface Key {
  readonly name: string;
  readonly text: string;
}

const bare = fc.string({ unit: fc.constantFrom(...Array.from('abcXYZ019_-')), minLength: 1, maxLength: 6 });
const inner = fc.string({ unit: fc.constantFrom(...Array.from('ab .=[]{}#,\'"\\é\t')), maxLength: 6 });
const key: fc.Arbitrary<Key> = fc.oneof(
  bare.map((name) => ({ name, text: name })),
  inner.map((name) => ({ name, text: JSON.stringify(name) })),
  inner.filter((name) => !name.includes("'")).map((name) => ({ name, text: `'${name}'` })),
);
const scalar = fc.oneof(
  fc.constantFrom('1', '-2.5', 'true', '1979-05-27T07:32:00Z', '0x1F', "'lit # = [ \"'", '""', "''"),
  inner.map((text) => JSON.stringify(text)),
  inner.map((text) => `"""\n${text.replaceAll('\\', '').replaceAll('"', '')}\nx = 1 # no\n"""`),
  inner.map((text) => `'''${text.replaceAll("'", '')}\n[no]\n'''`),
);
const lineGap = fc.constantFrom('', ' ', '\t', '\n', ' # ] } , "\n', '\r\n  ');
const inlineGap = fc.constantFrom('', ' ', '  ');
const { value } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    scalar.map((text): Value => ({ kind: 'scalar', text })),
    fc.record({ kind: fc.constant('array' as const), items: fc.array(tie('value'), { maxLength: 4 }), gap: lineGap }),
    fc.record({
      kind: fc.constant('table' as const),
      entries: fc.uniqueArray(fc.record({ key, value: tie('value') }), {
        maxLength: 3,
        selector: (entry) => entry.key.name,
      }),
      gap: inlineGap,
    }),
  ),
}));
const entries = fc.uniqueArray(fc.record({ key, value }), { maxLength: 4, selector: (entry) => entry.key.name });
const section = fc.record({
  isArray: fc.boolean(),
  name: bare,
  entries,
  blank: fc.constantFrom('', '\n', '# x = 1\n', '  '),
});

function writeValue(writer: Writer, path: Path, written: Value): void {
  if (written.kind === 'scalar') {
    writer.put(written.text);
    return;
  }
  const items = written.kind === 'array' ? written.items : written.entries;
  writer.put(`${written.kind === 'array' ? '[' : '{'}${written.gap}`);
  for (const [order, item] of items.entries()) {
    if (order > 0) writer.put(`,${written.gap}`);
    if ('key' in item) writeEntry(writer, path, item);
    else {
      writer.mark([...path, order]);
      writeValue(writer, [...path, order], item);
    }
    writer.put(written.gap);
  }
  writer.put(written.kind === 'array' ? ']' : '}');
}

function writeEntry(writer: Writer, table: Path, { key: name, value: written }: Entry): void {
  const path = [...table, name.name];
  writer.mark(path);
  writer.put(`${name.text} = `);
  writeValue(writer, path, written);
}

test('every key and element of a random document is where its writer put it', () => {
  let checked = 0;
  fc.assert(
    fc.property(entries, fc.array(section, { maxLength: 5 }), (top, sections) => {
      const writer = new Writer();
      for (const entry of top) {
        writeEntry(writer, [], entry);
        writer.put(' # trailing\n');
      }
      const used = new Map<string, number>();
      for (const [order, { isArray, name, entries: own, blank }] of sections.entries()) {
        const unique = isArray ? `array-${name}` : `table-${name}-${order}`;
        const count = used.get(unique) ?? 0;
        used.set(unique, count + 1);
        writer.put(blank);
        const path: Path = isArray ? [unique, count] : [unique];
        writer.mark(path);
        writer.put(isArray ? `[[ ${unique} ]]\n` : `[${unique}] # [no]\n`);
        for (const entry of own) {
          writer.put('\t');
          writeEntry(writer, path, entry);
          writer.put('\n');
        }
      }
      // The document is one that the parser takes, else nothing is proven.
      parse(writer.text);
      const positions = new KeyPositions(writer.text);
      for (const { path, position } of writer.expected) {
        checked += 1;
        expect(positions.find(path), `${JSON.stringify(path)} in\n${writer.text}`).toEqual(position);
      }
    }),
    { numRuns: 500 },
  );
  expect(checked).toBeGreaterThan(1_000);
});
