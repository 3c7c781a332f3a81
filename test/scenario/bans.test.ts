// Who tries too much is turned away: an account at a source, or the source; and nobody else (requirements of an office).
import { describe, expect, test } from 'vitest';
import { DigestClient } from '../../src/sip/auth/digest-client.ts';
import { SeededRandom } from '../support/fake-time.ts';
import { Scenario } from '../support/scenario.ts';
import { connect, hangUp } from '../support/scenario-calls.ts';
import type { ScenarioPhone } from '../support/scenario-phone.ts';

function guesser(username: string): DigestClient {
  return new DigestClient({ username, password: 'a guess' }, new SeededRandom(99));
}

async function guess(phone: ScenarioPhone, username: string, times: number): Promise<number[]> {
  const statuses: number[] = [];
  for (let time = 0; time < times; time += 1) {
    statuses.push((await phone.register([['Expires', '600']], guesser(username))).status);
  }
  return statuses;
}

describe('a phone with a wrong password', () => {
  test('is refused with 403 from the tenth time on, without a look-up, until the ban ends', async () => {
    const s = new Scenario();
    const phone = s.phone('alice');
    expect(await guess(phone, 'alice', 12)).toEqual([...Array<number>(10).fill(401), 403, 403]);
    expect(s.bans.list()).toMatchObject([{ account: 'alice', reason: 'wrong-password', times: 1 }]);
    expect((await phone.register()).status).toBe(403);
    await s.advance(300_000);
    expect((await phone.register()).status).toBe(200);
    await s.finish();
  });

  test('harms no other phone behind the same address, nor a call that runs', async () => {
    const s = new Scenario();
    const bob = s.phone('bob');
    const alice = s.phone('alice', bob.flow.remote.address);
    expect(alice.flow.remote.address).toBe(bob.flow.remote.address);
    expect((await bob.register()).status).toBe(200);
    const call = await connect(s, bob);
    await guess(alice, 'alice', 30);
    expect(s.bans.isBanned(bob.flow.remote.address)).toBe(false);
    expect((await bob.register()).status).toBe(200);
    await hangUp(call);
    await s.finish();
  });

  test('is forgiven when an operator says so', async () => {
    const s = new Scenario();
    const phone = s.phone('alice');
    await guess(phone, 'alice', 10);
    expect(s.bans.lift({ source: phone.flow.remote.address })).toBe(1);
    expect((await phone.register()).status).toBe(200);
    await s.finish();
  });
});

describe('a source that tries one account after the other', () => {
  test('hears nothing more, whatever it knows', async () => {
    const s = new Scenario();
    const phone = s.phone('alice');
    for (const name of ['100', '101', '102', '103', '104']) await guess(phone, name, 1);
    expect(s.bans.list()).toMatchObject([{ account: undefined, reason: 'many-accounts' }]);
    const { invite } = phone.dial('600');
    await phone.send(invite);
    phone.expectNothing();
    await s.finish();
  });

  test('does not, where [bans] is off', async () => {
    const s = new Scenario({ tables: '[bans]\nenabled = false' });
    const phone = s.phone('alice');
    for (const name of ['100', '101', '102', '103', '104']) await guess(phone, name, 3);
    expect((await phone.register()).status).toBe(200);
    await s.finish();
  });
});

test('the PBX and trunks are never banned, nor what is allowed by name', async () => {
  const s = new Scenario({ tables: '[bans]\nallow = ["192.0.2.0/24"]' });
  for (const address of ['10.0.0.5', '198.51.100.70', '192.0.2.77', '203.0.113.200']) {
    s.bans.ban({ source: address }, 'operator');
  }
  const banned = s.bans.list().filter(({ source }) => s.bans.isBanned(source));
  expect(banned.map(({ source }) => source)).toEqual(['203.0.113.200']);
  await s.finish();
});
