// What stands in Redis as JSON: written by nodes of the site, and read as what anybody might have written there.
import { SbcError } from '../../core/errors.ts';
import type { BanReason, BanRecord, BanTarget } from '../../policy/bans.ts';
import type { BindingRecord } from '../../registration/location.ts';
import type { SharedBinding } from './shared-store.ts';

/** Throws SbcError `store-damaged`. */
export function readBinding(json: string): SharedBinding {
  const { node, run, record } = objectIn(json);
  if (typeof node === 'string' && typeof run === 'string' && isBinding(record)) return { node, run, record };
  throw damaged('a binding', json);
}

/** Throws SbcError `store-damaged`. */
export function readBan(json: string): BanRecord {
  const { source, account, reason, until, times } = objectIn(json);
  const known = reasons.find((one) => one === reason);
  if (typeof source !== 'string' || known === undefined || typeof until !== 'number' || typeof times !== 'number') {
    throw damaged('a ban', json);
  }
  return { source, account: typeof account === 'string' ? account : undefined, reason: known, until, times };
}

/** Throws SbcError `store-damaged`. */
export function readBanTarget(json: string): BanTarget {
  const { source, account } = objectIn(json);
  if (typeof source !== 'string') throw damaged('whom a ban was of', json);
  return { source, account: typeof account === 'string' ? account : undefined };
}

const reasons = [
  'wrong-password',
  'many-accounts',
  'no-credentials',
  'malformed',
  'fraud',
  'operator',
] as const satisfies readonly BanReason[];

function isBinding(value: unknown): value is BindingRecord {
  if (typeof value !== 'object' || value === null) return false;
  const fields = new Map(Object.entries(value));
  const has = (type: string, ...names: readonly string[]): boolean =>
    names.every((name) => typeof fields.get(name) === type);
  const path: unknown = fields.get('path');
  return (
    fields.get('v') === 3 &&
    has('string', 'aor', 'contact', 'key', 'callId', 'flowId', 'listener') &&
    has('number', 'sequence', 'priority', 'expiresAt') &&
    Array.isArray(path) &&
    path.every((hop: unknown) => typeof hop === 'string')
  );
}

function objectIn(json: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw damaged('JSON', json);
  }
  if (typeof value === 'object' && value !== null) return { ...value };
  throw damaged('an object', json);
}

function damaged(what: string, got: string): SbcError {
  return new SbcError('store-damaged', `the shared store: expected ${what}, got ${got.slice(0, 80)}`);
}
