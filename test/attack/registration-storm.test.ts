// More at once than one node can serve: each waits for its turn and is served; beyond what may wait it is told 503 with a Retry-After
// that differs from phone to phone (RFC 3261 §21.5.4, RFC 5390); what runs goes on, and nobody is banned for it.
import { expect, test } from 'vitest';
import { begunPerTurn } from '../../src/compose/entrance/waiting-room.ts';
import type { SipRequest, SipResponse } from '../../src/sip/message/message.ts';
import { Scenario } from '../support/scenario.ts';
import { connect, hangUp, pbxSdp } from '../support/scenario-calls.ts';
import { CalleeLeg, type Field, PeerLeg } from '../support/scenario-peer.ts';
import type { ScenarioPhone } from '../support/scenario-phone.ts';

const phones = 20_000;
const phonesPerUser = 10;
const phonesPerOffice = 200;
const lookUps = 200;

function userOf(serial: number): string {
  return `p${Math.floor(serial / phonesPerUser)}`;
}

class StormPhone {
  readonly #phone: ScenarioPhone;
  readonly #leg: PeerLeg;
  #last: SipRequest | undefined;
  #challenge: SipResponse | undefined;
  /** Nobody has looked at those of a request that was turned away. */
  #credentials: readonly Field[] = [];

  constructor(s: Scenario, serial: number) {
    this.#phone = s.phone(userOf(serial), `198.51.100.${1 + Math.floor(serial / phonesPerOffice)}`);
    const { aor } = this.#phone;
    const identity = { local: `<${aor}>`, remote: `<${aor}>`, localTag: 't', remoteTag: '' };
    this.#leg = new PeerLeg(this.#phone, { ...identity, callId: `p${serial}`, target: 'sip:pbx.test', sequence: 0 });
  }

  /** With credentials where it was challenged. Nothing is waited for. */
  send(s: Scenario): void {
    if (this.#last !== undefined && this.#challenge !== undefined) {
      const answer = this.#phone.credentials.answer(this.#last, this.#challenge);
      if (!answer.ok) throw new Error(answer.error);
      this.#credentials = [[answer.value.header, answer.value.value]];
      this.#challenge = undefined;
    }
    const contact = [
      ['Contact', this.#phone.contact],
      ['Expires', '3600'],
    ] as const;
    this.#last = this.#leg.request('REGISTER', { fields: [...contact, ...this.#credentials] });
    s.wire.receive(this.#last, this.#phone.flow);
  }

  /** Exactly one answer came: its status, and when to try again. */
  take(): { readonly status: number; readonly retryAfter: number } {
    const [response, ...more] = this.#phone.inbox;
    this.#phone.inbox = [];
    if (response?.kind !== 'response' || more.length > 0) throw new Error(`${this.#phone.name}: not one answer`);
    if (response.status === 401) this.#challenge = response;
    return { status: response.status, retryAfter: Number(response.headers.get('Retry-After') ?? Number.NaN) };
  }
}

function usersOf(count: number): string {
  const users = Array.from(
    { length: count / phonesPerUser },
    (_, index) => `[[user]]\nname = "p${index}"\npassword = "none"`,
  );
  return users.join('\n');
}

test(`${phones} phones that register at once are all served, and calls go on meanwhile`, async () => {
  const s = new Scenario({ more: usersOf(phones) });
  const running = await connect(s);
  const bob = s.phone('bob');
  const emergency = await bob.invite('112');
  const storm = Array.from({ length: phones }, (_, serial) => new StormPhone(s, serial));

  for (const phone of storm) phone.send(s);
  await s.settle();
  expect(s.waitingRoom.waiting).toBeGreaterThan(phones - 10 * begunPerTurn);
  // Thousands wait, and one call is answered and the other hangs up at once.
  const answered = CalleeLeg.take(s.pbx);
  await answered.answer(pbxSdp());
  await emergency.takeAnswer();
  answered.takeAck();
  await hangUp(running);
  expect(s.waitingRoom.waiting).toBeGreaterThan(phones / 2);
  await s.served();
  expect(storm.every((phone) => phone.take().status === 401)).toBe(true);

  const before = { transactions: s.userAgent.layer.active, timers: s.scheduler.pending };
  for (const phone of storm) phone.send(s);
  await s.settle();
  // Who waits has neither a transaction nor a timer.
  expect(s.userAgent.layer.active).toBe(before.transactions);
  expect(s.scheduler.pending).toBeLessThan(before.timers + 10 * begunPerTurn);
  // So is a call that begins.
  const another = await s.phone('bob').invite('600');
  await CalleeLeg.take(s.pbx).refuse(486);
  await another.takeRefusal(486);
  expect(s.waitingRoom.waiting).toBeGreaterThan(phones / 2);
  await s.served();
  expect(storm.every((phone) => phone.take().status === 200)).toBe(true);
  expect(s.registrar.flows).toBe(phones);
  expect(s.bans.list()).toEqual([]);
  s.wire.log.length = 0;
  await hangUp({ call: emergency, leg: answered });
  expect(await s.metrics.text()).not.toContain('reason="overload"');
  await s.finish();
}, 120_000);

test('beyond what may wait phones are told when to come back, each at another time, and are served then', async () => {
  const count = 4_000;
  const places = 1_000;
  const s = new Scenario({ more: usersOf(count), tables: `[overload]\nlook_ups = ${lookUps}\nwaiting = ${places}` });
  const storm = Array.from({ length: count }, (_, serial) => new StormPhone(s, serial));
  for (let part = 0; part < count; part += places / 2) {
    const some = storm.slice(part, part + places / 2);
    for (const phone of some) phone.send(s);
    await s.served();
    expect(some.every((phone) => phone.take().status === 401)).toBe(true);
  }
  const before = s.scheduler.pending;
  s.lookUpTime = 100;
  for (const phone of storm) phone.send(s);
  for (let turn = 0; turn < lookUps; turn += begunPerTurn) await s.settle();
  expect(s.gate.pending).toBe(lookUps);
  expect(s.userAgent.layer.active).toBe(0);
  // Of each look-up its deadline, and that of the store; and the next look at whether they are over.
  expect(s.scheduler.pending).toBe(before + 2 * lookUps + 1);
  expect(s.waitingRoom.waiting).toBeLessThanOrEqual(places);
  s.lookUpTime = 0;
  await s.advance(500);
  await s.served();

  const later = new Map<number, StormPhone[]>();
  let served = 0;
  for (const phone of storm) {
    const { status, retryAfter } = phone.take();
    if (status === 200) served += 1;
    else expect(status).toBe(503);
    if (status === 503) later.set(retryAfter, [...(later.get(retryAfter) ?? []), phone]);
  }
  expect(served).toBeGreaterThan(places * 0.9);
  expect(served).toBeLessThanOrEqual(places + lookUps);
  expect([...later.keys()].toSorted((a, b) => a - b)).toEqual(Array.from({ length: 26 }, (_, index) => 5 + index));
  s.wire.log.length = 0;
  await s.advance(5_000);
  const batch = later.get(5) ?? [];
  for (const phone of batch) phone.send(s);
  await s.served();
  expect(batch.every((phone) => phone.take().status === 200)).toBe(true);
  expect(s.registrar.flows).toBe(served + batch.length);
  expect(s.bans.list()).toEqual([]);
  expect(await s.metrics.text()).toContain(`sbc_sip_dropped_total{reason="overload"} ${count - served}`);
  await s.finish();
}, 120_000);

test('who sends thousands of registrations is in nobody else’s way', async () => {
  const s = new Scenario({ more: usersOf(1_000) });
  const attackers = Array.from({ length: 5 }, () => s.phone('p0', '198.51.100.200'));
  for (const attacker of attackers) {
    const { aor } = attacker;
    const identity = { local: `<${aor}>`, remote: `<${aor}>`, localTag: 't', remoteTag: 'forged' };
    for (let serial = 0; serial < 1_000; serial += 1) {
      const leg = new PeerLeg(attacker, { ...identity, callId: `a${serial}`, target: 'sip:pbx.test', sequence: 0 });
      s.wire.receive(leg.request('REGISTER', { fields: [['Contact', attacker.contact]] }), attacker.flow);
    }
  }
  const phone = new StormPhone(s, 1);
  phone.send(s);
  await s.settle();
  await s.settle();
  expect(phone.take().status).toBe(401);
  phone.send(s);
  await s.settle();
  await s.settle();
  expect(phone.take().status).toBe(200);
  expect(s.waitingRoom.waiting).toBeGreaterThan(4_500);
  // The connections end, and all that waits over them with them.
  for (const { flow } of attackers) s.wire.cut(flow);
  expect(s.waitingRoom.waiting).toBe(0);
  s.wire.log.length = 0;
  await s.finish();
}, 60_000);
