// A user's own limits as a store keeps them: JSON under the names of the configuration.
import { SbcError } from '../core/errors.ts';
import type { OwnLimits } from './user-store.ts';

export function formatLimits(limits: OwnLimits): string {
  return JSON.stringify(limits);
}

/** Throws SbcError `database-damaged`; a name that this version does not know counts as damage, because it limited something. */
export function parseLimits(text: string): OwnLimits {
  const document: unknown = JSON.parse(text);
  if (typeof document !== 'object' || document === null) throw damaged('an object', text);
  const limits: { -readonly [K in keyof OwnLimits]: OwnLimits[K] } = {};
  const entries: [string, unknown][] = Object.entries(document);
  for (const [name, value] of entries) {
    if (isNumeric(name) && typeof value === 'number') limits[name] = value;
    else if (name === 'direction' && (value === 'both' || value === 'out' || value === 'in')) limits.direction = value;
    else throw damaged('known limits', text);
  }
  return limits;
}

const numeric = ['concurrent_calls', 'max_call_duration', 'ring_timeout', 'early_media_timeout'] as const;

function isNumeric(name: string): name is (typeof numeric)[number] {
  return numeric.some((one) => one === name);
}

function damaged(expected: string, text: string): SbcError {
  return new SbcError('database-damaged', `limits of a user: expected ${expected}, got ${text.slice(0, 100)}`);
}
