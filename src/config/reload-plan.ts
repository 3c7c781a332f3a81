// What a new configuration changes, and whether it may change while calls run. Each room declares its tables; one change
// that needs a restart keeps the old configuration whole.
import { isDeepStrictEqual } from 'node:util';
import { err, ok, type Result } from '../core/result.ts';
import { type Config, schema } from './schema.ts';

/** Tables that a room takes over live. Calls that run keep the limits that they were admitted with. */
const liveTables: Readonly<Record<string, readonly (keyof Config)[]>> = {
  connect: [
    'route',
    'pbx',
    'trunk',
    'trunk_group',
    'domain',
    'messages',
    'subscriptions',
    'transfers',
    'session_timers',
    'redirects',
  ],
  policy: [
    'numbers',
    'emergency',
    'rule',
    'limit',
    'hours',
    'limits',
    'passwords',
    'bans',
    'fraud',
    'overload',
    'zone',
    'group',
    'user',
  ],
  observe: ['log'],
};

/** Keys of a listener that may change: files are read again, and new handshakes get the new certificate. */
const liveListenerKeys: ReadonlySet<string> = new Set(['certificate', 'key', 'certificates', 'algorithms']);

/** The names of what changes (secrets never appear), or what would need a restart. */
export function planReload(before: Config, after: Config): Result<readonly string[], readonly string[]> {
  const changes: string[] = [];
  const refused: string[] = [];
  const live = new Set(Object.values(liveTables).flat());
  for (const table of schema.keyof().options) {
    if (isDeepStrictEqual(before[table], after[table])) continue;
    if (live.has(table) || (table === 'listener' && onlyLiveKeysChange(before, after))) changes.push(table);
    else refused.push(`${table} cannot change while the SBC runs: restart it`);
  }
  return refused.length > 0 ? err(refused) : ok(changes);
}

function onlyLiveKeysChange(before: Config, after: Config): boolean {
  const fixed = (config: Config): unknown =>
    config.listener.map((listener) =>
      Object.fromEntries(Object.entries(listener).filter(([key]) => !liveListenerKeys.has(key))),
    );
  return isDeepStrictEqual(fixed(before), fixed(after));
}
