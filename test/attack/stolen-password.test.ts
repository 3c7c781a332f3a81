// A password is known to somebody: `portcullis user lock` ends at once what the running SBC has open for it.
import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AttackSite } from '../support/attack-site.ts';
import { Cli } from '../unit/cli/cli-fixture.ts';

let site: AttackSite;

beforeEach(async () => {
  site = await AttackSite.start();
});

afterEach(() => site.close());

test('a user that is locked by the command line is signed off while the SBC runs, and stays out', async () => {
  // It writes to the database by a connection of its own, and tells the SBC over the admin socket.
  const cli = new Cli(undefined, site.folder);
  const phone = await site.phone('locked');
  expect(await phone.register()).not.toBe(200);
  expect(await cli.run('user', 'unlock', 'locked')).toBe(0);
  expect(await phone.register()).toBe(200);
  expect(await site.metric('sbc_registrations_active')).toBe(1);
  expect(await cli.run('user', 'lock', 'locked')).toBe(0);
  expect(cli.out).toBe('locked locked@pbx.test\n');
  expect(await site.metric('sbc_registrations_active')).toBe(0);
  expect(site.log.join('')).toContain('"event":"user-signed-off"');
  expect(await phone.register()).not.toBe(200);
});

test('a user of the configuration that a reload has no more is signed off too', async () => {
  const cli = new Cli(undefined, site.folder);
  const [bob, alice] = [await site.phone('bob'), await site.phone('alice')];
  expect([await bob.register(), await alice.register()]).toEqual([200, 200]);
  expect(await site.metric('sbc_registrations_active')).toBe(2);
  const file = cli.path('portcullis.toml');
  writeFileSync(file, readFileSync(file, 'utf8').replace(/\[\[user\]\]\nname = "bob"\npassword = ".*"\n/, ''));
  expect(await cli.run('reload')).toBe(0);
  await expect.poll(() => site.metric('sbc_registrations_active')).toBe(1);
  expect(await bob.register()).not.toBe(200);
});
