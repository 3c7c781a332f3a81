// Floods of messages: what nobody proved costs nothing that stays, and what one source does, another does not feel
// (RFC 3261 §8.2.7, §26.3.2; RFC 5390).
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, expect, test } from 'vitest';
import { AttackSite } from '../support/attack-site.ts';
import { RawPhone } from '../support/raw-phone.ts';
import { rawRequest, textOf } from '../support/raw-request.ts';

let site: AttackSite;
afterEach(() => site.close());

setFlagsFromString('--expose-gc');
const collect: unknown = runInNewContext('gc');

function heapBytes(): number {
  if (typeof collect !== 'function') throw new Error('the collector is not exposed');
  Reflect.apply(collect, undefined, []);
  return process.memoryUsage().heapUsed;
}

const flood = 100_000;
/** So many at a time that no socket overflows. */
const volley = 500;

test(`${flood} requests without credentials leave no transaction, no timer and no memory behind`, async () => {
  site = await AttackSite.start();
  const attacker = await site.datagrams();
  const texts = (count: number, from: number): readonly string[] => {
    const model = rawRequest({ method: 'INVITE', callId: 'CALL', branch: 'BRANCH' });
    const text = textOf(model);
    return Array.from({ length: count }, (_, index) => {
      return text.replace('CALL', `spoofed-${from + index}`).replace('BRANCH', `z9hG4bK${from + index}`);
    });
  };
  const fire = async (count: number, from: number): Promise<void> => {
    const answered = attacker.answers + count;
    for (const text of texts(count, from)) void attacker.send(text, site.udp);
    await attacker.inbox.until(() => (attacker.answers >= answered ? true : undefined));
  };
  attacker.countOnly();
  await fire(volley, 0);
  const before = heapBytes();
  const timers = await site.metric('sbc_timers_pending');
  for (let sent = volley; sent < flood; sent += volley) await fire(volley, sent);
  expect(heapBytes() - before).toBeLessThan(8_000_000);
  expect(await site.metric('sbc_transactions_active')).toBe(0);
  expect(await site.metric('sbc_timers_pending')).toBeLessThanOrEqual(timers + 1);
  expect(site.log.filter((line) => line.includes('spoofed-'))).toEqual([]);
}, 120_000);

test('one source that asks too often gets 503, and its neighbours are served', async () => {
  site = await AttackSite.start({ requestsPerSecond: 20 });
  const attacker = await site.datagrams();
  const alice = await site.phone('alice');
  const last = rawRequest();
  // All at once: a machine that is slow to send them one by one would keep the rate.
  await Promise.all(Array.from({ length: 200 }, () => attacker.send(textOf(rawRequest()), site.udp)));
  await attacker.send(textOf(last), site.udp);
  expect((await attacker.inbox.response(last.callId)).status).toBe(503);
  expect(await alice.register()).toBe(200);
  expect(await site.metric('sbc_sip_dropped_total', 'rate-limited')).toBeGreaterThan(100);
});

test('a source that sends what cannot be read is answered no more often than another', async () => {
  site = await AttackSite.start({ requestsPerSecond: 20 });
  const attacker = await site.datagrams();
  for (let count = 0; count < 200; count += 1) {
    void attacker.send(textOf(rawRequest()).replace(/To: .*\r\n/, ''), site.udp);
  }
  await expect.poll(() => site.metric('sbc_sip_dropped_total', 'header-missing')).toBe(200);
  expect(attacker.answers).toBeGreaterThan(0);
  expect(attacker.answers).toBeLessThan(100);
});

test('a phone in a call makes no more transactions than its rate allows, and can always hang up', async () => {
  site = await AttackSite.start({ requestsPerSecond: 20 });
  const alice = await RawPhone.start(site);
  const invite = rawRequest({ method: 'INVITE', body: alice.offer });
  const answer = await alice.ask(invite);
  const { callId, from, uri } = invite;
  const inCall = { callId, from, uri, to: answer.headers.get('To') ?? '' };
  const cseq = Number.parseInt(answer.headers.get('CSeq') ?? '', 10);
  await alice.peer.send(textOf(rawRequest({ ...inCall, method: 'ACK', cseq })), site.udp);
  const before = await site.metric('sbc_transactions_active');
  for (let count = 1; count <= 300; count += 1) {
    await alice.peer.send(textOf(rawRequest({ ...inCall, method: 'OPTIONS', cseq: cseq + count })), site.udp);
  }
  await expect.poll(() => site.metric('sbc_sip_dropped_total', 'rate-limited')).toBeGreaterThan(200);
  expect((await site.metric('sbc_transactions_active')) - before).toBeLessThan(100);
  await alice.peer.send(textOf(rawRequest({ ...inCall, method: 'BYE', cseq: cseq + 1_000 })), site.udp);
  const bye = await alice.peer.inbox.until(() => {
    return alice.peer.inbox.messages.find(({ headers }) => headers.get('CSeq') === `${cseq + 1_000} BYE`);
  });
  expect(bye).toMatchObject({ status: 200 });
  await expect.poll(() => site.metric('sbc_calls_active')).toBe(0);
});
