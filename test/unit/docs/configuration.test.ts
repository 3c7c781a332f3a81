// docs/configuration.md against the schema: every key of every table stands in the section of its table, and no row is of a key that there is not.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { schema } from '../../../src/config/schema.ts';
import type { Alert } from '../../../src/policy/alert.ts';

interface Shape {
  readonly properties?: Readonly<Record<string, Shape>> | undefined;
  readonly items?: Shape | undefined;
  readonly anyOf?: readonly Shape[] | undefined;
}

const shape: z.ZodType<Shape> = z.object({
  get properties() {
    return z.record(z.string(), shape).optional();
  },
  get items() {
    return shape.optional();
  },
  get anyOf() {
    return z.array(shape).optional();
  },
});
const root = shape.parse(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }));

/** Of a table, or of each of an array of tables, whatever else may stand in its place. */
function keysOf({ properties, items, anyOf = [] }: Shape): Readonly<Record<string, Shape>> {
  const inner = [...anyOf, ...(items === undefined ? [] : [items])].flatMap((one) => Object.entries(keysOf(one)));
  return { ...properties, ...Object.fromEntries(inner) };
}

const text = readFileSync('docs/configuration.md', 'utf8');
/** What stands below each heading that names tables, and headings that name none. */
const sections = Array.from(
  text.matchAll(/^#{2,3} ([^\n]*`\[[^\n]*)\n([\s\S]*?)(?=^#{2,3} [^\n]*`\[|$(?![\s\S]))/gm),
  ([, heading = '', body = '']) => ({
    tables: Array.from(heading.matchAll(/`\[+([a-z_.]+)\]+`/g), ([, name = '']) => name),
    body,
  }),
);
const tables = keysOf(root);

test.each(Object.entries(tables))('[%s] has all of its keys in a section of its name', (table, its) => {
  const own = sections.filter((section) => section.tables.some((name) => name === table || name === `${table}.rule`));
  expect(own).not.toEqual([]);
  const said = own.map(({ body }) => body).join('\n');
  const keys = Object.keys(keysOf(its)).filter(
    (key) => !sections.some((one) => one.tables.includes(`${table}.${key}`)),
  );
  expect(keys.filter((key) => !new RegExp(`\\b${key}\\b`).test(said))).toEqual([]);
});

test('every kind of alert is told of, and none that there is not', () => {
  const [, table = ''] = /^\| alert \|.*\n\| ---.*\n((?:\|.*\n)+)/m.exec(text) ?? [];
  const told = table
    .split('\n')
    .flatMap((row) => Array.from((row.split('|')[1] ?? '').matchAll(/`([a-z-]+)`/g), ([, kind = '']) => kind));
  expect(told.toSorted()).toEqual(Object.keys(alertKinds).toSorted());
});

/** The compiler holds it to the kinds that there are. */
const alertKinds: Readonly<Record<Alert['kind'], true>> = {
  'emergency-call': true,
  fraud: true,
  banned: true,
  'device-pending': true,
  'media-flood': true,
  'one-way-audio': true,
  'peer-down': true,
  'peer-up': true,
  'worker-lost': true,
  'records-lost': true,
  'store-trouble': true,
  'store-lost': true,
  'store-back': true,
  'node-taken-over': true,
  'node-replaced': true,
  'certificate-expiring': true,
  'disk-low': true,
  'clock-jumped': true,
  host: true,
};

test('no row begins with a key that there is not', () => {
  const known = allKeys(root);
  for (const { tables: named, body } of sections) {
    const rows = Array.from(body.matchAll(/^\| key \|.*\n((?:\|.*\n)+)/gm), ([, table = '']) => table);
    const cells = rows.flatMap((table) =>
      Array.from(table.matchAll(/^\| (`[^|]+`[^|]*) \|/gm), ([, cell = '']) => cell),
    );
    const keys = cells.flatMap((cell) => Array.from(cell.matchAll(/`([a-z_.]+)`/g), ([, key = '']) => key));
    expect(
      keys.filter((key) => key.split('.').some((part) => !known.has(part))),
      named.join(),
    ).toEqual([]);
  }
});

test.each([
  'README.md',
  'docs/operations.md',
  'docs/security.md',
  'docs/metrics.md',
  'docs/cdr.md',
  'docs/architecture.md',
])('%s names keys of tables that there are', (path) => {
  const named = Array.from(readFileSync(path, 'utf8').matchAll(/`([a-z_]+(?:\.[a-z_]+)+)`/g), ([, key = '']) => key);
  for (const name of named) {
    const [table = '', ...keys] = name.split('.');
    // The domain of the examples is no key.
    if (!(table in tables) || name === 'pbx.test') continue;
    expect(isKey(tables[table], keys), name).toBe(true);
  }
});

function isKey(of: Shape | undefined, [key, ...inner]: readonly string[]): boolean {
  if (of === undefined) return false;
  return key === undefined || isKey(keysOf(of)[key], inner);
}

/** Those of sub-tables too. */
function allKeys(of: Shape): ReadonlySet<string> {
  return new Set(Object.entries(keysOf(of)).flatMap(([key, inner]) => [key, ...allKeys(inner)]));
}
