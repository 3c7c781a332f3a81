// What every version of the database held is read by this program. test/golden/kept/state.json has rows as the version wrote them that first
// could; they stay as they are. Whoever changes what is kept adds rows of the new version, and the old ones go on being read.
// What is inside of documents has golden files of its own: calls and subscriptions in test/scenario/kept-golden.test.ts, media in
// test/unit/media/worker/resume.test.ts.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { readBan, readBanTarget, readBinding } from '../../../src/store/shared/records.ts';
import { migrations } from '../../../src/store/sqlite/migrations.ts';
import { FakeClock } from '../../support/fake-time.ts';
import { directStores, stateOf, temporaryDirectory } from './stores.ts';

const golden = (name: string): string => readFileSync(new URL(`../../golden/kept/${name}`, import.meta.url), 'utf8');
const rows = z.array(z.object({ since: z.number(), sql: z.string() })).parse(JSON.parse(golden('state.json')));
/** The clock of tests says so; a connection that was made before then ended with its process. */
const now = 1_767_607_200_000;

/** A state directory as a program of that version of the database left it. */
function leftBy(version: number): string {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, 'keys'), `k1:${Buffer.alloc(32, 9).toString('base64')}\n`, { mode: 0o600 });
  const database = new DatabaseSync(join(directory, 'portcullis.db'));
  for (const step of migrations.slice(0, version)) database.exec(step);
  for (const { since, sql } of rows) if (since <= version) database.exec(sql);
  database.exec(`PRAGMA user_version = ${version}`);
  database.close();
  return directory;
}

/** What this program finds there of each kind that the version kept. */
async function found(directory: string): Promise<Readonly<Record<string, unknown>>> {
  const clock = new FakeClock();
  const user = await stateOf(directory, clock).users.find('alice', 'pbx.test');
  const stores = await directStores(directory, clock, 'now');
  const { budgets, leases } = stores.budgets.load(now);
  const { calls, unreadable } = stores.calls.load();
  const kept = {
    users: user.ok && user.value !== undefined ? 1 : 0,
    bindings: (await stores.locations.all()).map(({ contact, flowId, path, datagram }) => [
      contact,
      flowId,
      ...path,
      ...(datagram === undefined ? [] : [datagram.remote.address]),
    ]),
    bans: stores.bans.load().map(({ source, account, reason, times }) => [source, account, reason, times]),
    budgets: [...budgets.map(({ used }) => used), ...leases.map(({ lease }) => lease)],
    devices: stores.devices.load().map(({ id, state, decidedBy }) => [id, state, decidedBy]),
    holds: stores.fraud.holds(now).map(({ subject, action, of, until }) => [subject, action, of, until]),
    known: stores.fraud.known().map(({ subject, of, value }) => [subject, of, value]),
    calls: [...calls.map(({ id, document }) => [id, document]), ...unreadable],
    nonces: stores.nonces.load()?.windows ?? [],
    subscriptions: stores.subscriptions.load().map(({ id }) => id),
  };
  await stores.close();
  return kept;
}

/** The version that first kept it, and what this one reads of that. */
const expected: Readonly<Record<string, readonly (readonly [since: number, value: unknown])[]>> = {
  bindings: [
    [1, ['sip:alice@192.0.2.1', 'earlier-run:before:flow-1']],
    [7, ['sip:bob@192.0.2.2', 'earlier-run:before:flow-2', '<sip:edge.test;lr;ob>']],
    [13, ['sip:carol@192.0.2.3', 'open|192.0.2.3|5060', '192.0.2.3']],
  ],
  bans: [[3, ['198.51.100.9', 'alice@pbx.test', 'wrong-password', 2]]],
  budgets: [
    [6, 60_000],
    [6, 120_000],
  ],
  devices: [[8, ['0123456789abcdef', 'approved', 'carol']]],
  holds: [[10, ['alice@pbx.test', 'refuse', 'premium-rate', undefined]]],
  known: [[10, ['alice@pbx.test', 'called-country', '44']]],
  calls: [[11, ['call-1', '{"v":1,"kind":"kept"}']]],
  nonces: [[14, { nonce: 'n-1', issuedAt: 1_767_603_600_000, highest: 3, seen: '7' }]],
  subscriptions: [[15, 's-1']],
};

describe('what the database of an earlier version held', () => {
  test.each(migrations.map((_, index) => index + 1))('in version %i is all there', async (version) => {
    const of = (all: readonly (readonly [number, unknown])[]): readonly unknown[] =>
      all.flatMap(([since, value]) => (since <= version ? [value] : []));
    const kinds = Object.entries(expected).map(([kind, all]) => [kind, of(all)] as const);
    expect(await found(leftBy(version))).toEqual({ users: 1, ...Object.fromEntries(kinds) });
  });

  test('and rows of every kind stand in the golden file', () => {
    const tables = new Set(rows.map(({ sql }) => /^INSERT INTO (\w+)/.exec(sql)?.[1]));
    const made = migrations.flatMap((step) => Array.from(step.matchAll(/CREATE TABLE (\w+)/g), ([, table]) => table));
    // Accounts and the chained log have tests of their own, and what was applied is of one process alone.
    const others = ['former_password', 'audit', 'totp', 'admin_account', 'applied'];
    expect([...tables, ...others].toSorted()).toEqual(made.toSorted());
  });
});

const shared = z.object({
  bindings: z.array(z.string()),
  bans: z.array(z.string()),
  targets: z.array(z.string()),
});

describe('what nodes wrote into the store that they share', () => {
  const written = shared.parse(JSON.parse(golden('shared-v3.json')));

  test('of bindings is read: one of a connection, one of datagrams, one with a path', () => {
    const read = written.bindings.map(readBinding);
    expect(read.map(({ node, run, record }) => [node, run, record.contact])).toEqual([
      ['one', 'run-1', 'sip:alice@192.0.2.1'],
      ['two', 'run-2', 'sip:carol@192.0.2.3'],
      ['two', 'run-2', 'sip:bob@192.0.2.2'],
    ]);
    expect(read[1]?.record.datagram?.remote.port).toBe(5060);
    expect(read[2]?.record.path).toEqual(['<sip:edge.test;lr;ob>']);
  });

  test('of bans is read: of a source, of an account there, and who has none any more', () => {
    expect(written.bans.map(readBan)).toEqual([
      { source: '198.51.100.9', account: undefined, reason: 'malformed', until: 1_767_610_800_000, times: 1 },
      { source: '198.51.100.9', account: 'a@b', reason: 'wrong-password', until: 1_767_610_800_000, times: 2 },
    ]);
    expect(written.targets.map(readBanTarget)).toEqual([
      { source: '198.51.100.9', account: undefined },
      { source: '198.51.100.9', account: 'a@b' },
    ]);
  });
});
