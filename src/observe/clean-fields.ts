// What may stand in a log: no secrets, whatever calls them so and however deep they lie; no key material, even where it is
// quoted from a message; and no more than a line can hold.
import type { LogFields } from '../core/logger.ts';

export const maxLoggedLength = 2_048;
export const maxLoggedItems = 100;
const maxDepth = 6;
const redacted = '[redacted]';

/** A copy that is safe to write. */
export function cleanFields(fields: LogFields): LogFields {
  return cleanObject(fields, 0);
}

function cleanObject(object: object, depth: number): LogFields {
  const entries = Object.entries(object).slice(0, maxLoggedItems);
  return Object.fromEntries(
    entries.map(([name, value]: [string, unknown]) => [name, isSecret(name) ? redacted : cleanValue(value, depth)]),
  );
}

function cleanValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return cleanText(value);
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'function' || typeof value === 'symbol') return undefined;
  if (typeof value !== 'object' || value === null) return value;
  // Bytes may be a key, and are of no use to who reads a log.
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
  if (depth >= maxDepth) return '[deeper]';
  if (value instanceof Error) {
    return cleanObject({ name: value.name, message: value.message, stack: value.stack }, depth + 1);
  }
  if (value instanceof Map) return cleanObject(recordOf(value), depth + 1);
  if (Array.isArray(value) || value instanceof Set) {
    return [...value].slice(0, maxLoggedItems).map((item: unknown) => cleanValue(item, depth + 1));
  }
  return cleanObject(value, depth + 1);
}

function recordOf(map: ReadonlyMap<unknown, unknown>): LogFields {
  return Object.fromEntries([...map].map(([name, value]) => [String(name), value]));
}

function cleanText(text: string): string {
  const shown = text.length <= maxLoggedLength ? text : `${text.slice(0, maxLoggedLength)}…`;
  if (!mayHoldSecret.test(shown)) return shown;
  return shown
    .replaceAll(/(authorization[ \t]*:[ \t]*)[^\r\n]*/gi, `$1${redacted}`)
    .replaceAll(/(inline:)[A-Za-z0-9+/=]*/g, `$1${redacted}`)
    .replaceAll(/((?:response|password|ha1)=)(?:"[^"]*"?|[^\s,;&"]*)/gi, `$1${redacted}`);
}

const mayHoldSecret = /authorization|inline:|response=|password=|ha1=/i;

/** Names of fields that hold a secret: `password`, `masterKey`, `proxy-authorization`, `carrierSecret` … */
function isSecret(name: string): boolean {
  return /^(key|salt|ha1)$|password|secret|authorization|credential|(master|private|session)_?(key|salt)/i.test(name);
}
