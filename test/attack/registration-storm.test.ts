// More at once than one node can serve: each is answered, with its credentials asked for, served, or 503 with a Retry-After that
// differs from phone to phone (RFC 3261 §21.5.4, RFC 5390); what runs goes on, and nobody is banned for it.
import { expect, test } from 'vitest';
import type { SipRequest, SipResponse } from '../../src/sip/message/message.ts';
import { Scenario } from '../support/scenario.ts';
import { connect, hangUp, pbxSdp } from '../support/scenario-calls.ts';
import { CalleeLeg, type Field, PeerLeg } from '../support/scenario-peer.ts';
import type { ScenarioPhone } from '../support/scenario-phone.ts';

const phones = 20_000;
const phonesPerUser = 10;
const phonesPerOffice = 200;
const lookUps = 1_000;

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

test(`${phones} phones that register at once are served or told when to come back, and calls go on`, async () => {
  const users = Array.from(
    { length: phones / phonesPerUser },
    (_, index) => `[[user]]\nname = "p${index}"\npassword = "none"`,
  );
  const s = new Scenario({ more: users.join('\n') });
  const running = await connect(s);
  const bob = s.phone('bob');
  const emergency = await bob.invite('112');
  const storm = Array.from({ length: phones }, (_, serial) => new StormPhone(s, serial));

  for (const phone of storm) phone.send(s);
  await s.settle();
  expect(storm.every((phone) => phone.take().status === 401)).toBe(true);
  expect(s.userAgent.dialogs).toBeGreaterThan(0);

  const before = { transactions: s.userAgent.layer.active, timers: s.scheduler.pending };
  s.lookUpTime = 100;
  for (const phone of storm) phone.send(s);
  await s.settle();
  expect(s.gate.pending).toBe(lookUps);
  expect(s.userAgent.layer.active).toBe(before.transactions);
  // Of each look-up its deadline, and that of the store.
  expect(s.scheduler.pending).toBe(before.timers + 2 * lookUps);
  // While as much waits as may, one call is answered and the other hangs up.
  const answered = CalleeLeg.take(s.pbx);
  await answered.answer(pbxSdp());
  await emergency.takeAnswer();
  answered.takeAck();
  await hangUp(running);
  expect(s.gate.pending).toBe(lookUps);
  await s.advance(100);
  s.lookUpTime = 0;

  const later = new Map<number, StormPhone[]>();
  let served = 0;
  for (const phone of storm) {
    const { status, retryAfter } = phone.take();
    if (status === 200) served += 1;
    else expect(status).toBe(503);
    if (status === 503) later.set(retryAfter, [...(later.get(retryAfter) ?? []), phone]);
  }
  expect(served).toBe(lookUps);
  expect([...later.keys()].toSorted((a, b) => a - b)).toEqual(Array.from({ length: 26 }, (_, index) => 5 + index));

  s.wire.log.length = 0;
  await s.advance(5_000);
  const batch = later.get(5) ?? [];
  expect(batch.length).toBeLessThan(lookUps);
  for (const phone of batch) phone.send(s);
  await s.settle();
  expect(batch.every((phone) => phone.take().status === 200)).toBe(true);
  expect(s.registrar.flows).toBe(served + batch.length);
  expect(s.bans.list()).toEqual([]);
  await hangUp({ call: emergency, leg: answered });
  expect(await s.metrics.text()).toContain(`sbc_sip_dropped_total{reason="overload"} ${phones - lookUps}`);
  await s.finish();
}, 120_000);
