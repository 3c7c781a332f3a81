// Reads the columns of a row as what the schema says they are; anything else means a damaged or foreign file.
import type { SQLOutputValue } from 'node:sqlite';
import { SbcError } from '../../core/errors.ts';

export type Row = Readonly<Record<string, SQLOutputValue>>;

/** Throws SbcError `database-damaged`. */
export function text(row: Row, column: string): string {
  const value = row[column];
  if (typeof value === 'string') return value;
  throw damaged(column, 'text', value);
}

export function optionalText(row: Row, column: string): string | undefined {
  return row[column] === null ? undefined : text(row, column);
}

/** Throws SbcError `database-damaged`. */
export function number(row: Row, column: string): number {
  const value = row[column];
  if (typeof value === 'number') return value;
  throw damaged(column, 'a number', value);
}

function damaged(column: string, expected: string, value: unknown): SbcError {
  return new SbcError('database-damaged', `column ${column}: expected ${expected}, got ${typeof value}`, { column });
}
