// Keys and values that are reserved for what Portcullis does not do yet. They are refused by name, so that nobody
// believes in a protection that is not there.
import type { Path } from './locate.ts';

const reservedTables: ReadonlySet<string> = new Set(['alert']);

/** Keys of tables that are there, by table. */
const reservedKeys: ReadonlyMap<string, ReadonlySet<string>> = new Map([['sbc', new Set(['user_agent'])]]);

const reservedValues: readonly { readonly table: string; readonly key: string; readonly value: string }[] = [
  { table: 'listener', key: 'transport', value: 'wss' },
  { table: 'listener', key: 'transport', value: 'ws' },
];

/** The message for a reserved table or key, or undefined for one that was never heard of. */
export function reservedKey(path: Path, key: string): string | undefined {
  const [table] = path;
  const isReserved = table === undefined ? reservedTables.has(key) : reservedKeys.get(String(table))?.has(key) === true;
  return isReserved ? `"${key}" is not yet supported` : undefined;
}

/** The message for a reserved value, or undefined. */
export function reservedValue(path: Path, value: unknown): string | undefined {
  const [table, , key] = path;
  const reserved = reservedValues.find((one) => one.table === table && one.key === key && one.value === value);
  return reserved === undefined ? undefined : `${reserved.key} = "${reserved.value}" is not yet supported`;
}
