// The SBC registers with a trunk (RFC 3261 §10.2, SIPconnect): digest, refresh, refusals, and calls that come to its Contact.
import { describe, expect, test } from 'vitest';
import type { SipRequest } from '../../src/sip/message/message.ts';
import { Scenario } from '../support/scenario.ts';
import { hangUp, pbxSdp } from '../support/scenario-calls.ts';
import { CalleeLeg, type Field, type Peer } from '../support/scenario-peer.ts';
import { cryptoLine, sdp } from '../support/scenario-sdp.ts';

const trunk = 'registers = true\nusername = "acme"\npassword_env = "CARRIER_PASSWORD"\nrealm = "carrier.example"';

function challenge(algorithm: string, realm = 'carrier.example', more = ''): Field {
  const value = `Digest realm="${realm}", nonce="n-${algorithm}${more}", qop="auth", algorithm=${algorithm}${more}`;
  return ['WWW-Authenticate', value];
}

class Site {
  readonly s: Scenario;
  readonly carrier: Peer;

  constructor(more = '') {
    this.s = new Scenario({ trunk: `${trunk}\n${more}` });
    this.carrier = this.s.carrier();
  }

  answer(register: SipRequest, status: number, fields: readonly Field[] = []): Promise<unknown> {
    return CalleeLeg.of(this.carrier, register, 'registrar').respond(register, status, { fields });
  }

  /** The REGISTER that is due, granted. */
  async register(seconds = 3_600): Promise<SipRequest> {
    await this.s.advance(3_000);
    await this.answer(this.carrier.takeRequest('REGISTER'), 401, [challenge('SHA-256')]);
    const register = this.carrier.takeRequest('REGISTER');
    const contact = (register.headers.get('Contact') ?? '').split(';expires')[0] ?? '';
    await this.answer(register, 200, [['Contact', `${contact};expires=${seconds}`]]);
    return register;
  }

  get isRegistered(): boolean | undefined {
    return this.s.trunks.isRegistered('carrier');
  }
}

function sequenceOf(request: SipRequest): number {
  return Number.parseInt(request.headers.get('CSeq') ?? '', 10);
}

describe('a trunk that is registered with', () => {
  test.each(['MD5', 'SHA-256', 'SHA-512-256'])('hears who we are by digest with %s', async (algorithm) => {
    const site = new Site();
    await site.s.advance(3_000);
    const first = site.carrier.takeRequest('REGISTER');
    expect(first.uri).toBe('sips:sip.carrier.example:5061');
    expect(first.headers.get('To')).toBe('<sip:acme@sip.carrier.example>');
    expect(first.headers.has('Authorization')).toBe(false);
    await site.answer(first, 401, [challenge(algorithm)]);
    const second = site.carrier.takeRequest('REGISTER');
    expect(second.headers.get('Authorization')).toContain(`algorithm=${algorithm}`);
    expect(second.headers.get('Call-ID')).toBe(first.headers.get('Call-ID'));
    expect(sequenceOf(second)).toBeGreaterThan(sequenceOf(first));
    await site.answer(second, 200);
    expect(site.isRegistered).toBe(true);
    await site.s.finish();
  });

  test('takes a nonce that has become stale for what it is', async () => {
    const site = new Site();
    await site.s.advance(3_000);
    await site.answer(site.carrier.takeRequest('REGISTER'), 401, [challenge('SHA-256')]);
    await site.answer(site.carrier.takeRequest('REGISTER'), 401, [
      challenge('SHA-256', 'carrier.example', ', stale=true'),
    ]);
    await site.answer(site.carrier.takeRequest('REGISTER'), 200);
    expect(site.isRegistered).toBe(true);
    await site.s.finish();
  });

  test('gets no credentials for another realm, nor twice for a wrong password', async () => {
    const site = new Site();
    await site.s.advance(3_000);
    await site.answer(site.carrier.takeRequest('REGISTER'), 401, [challenge('SHA-256', 'elsewhere.example')]);
    site.carrier.expectNothing();
    expect(site.isRegistered).toBe(false);
    await site.s.advance(2_000);
    await site.answer(site.carrier.takeRequest('REGISTER'), 401, [challenge('SHA-256')]);
    await site.answer(site.carrier.takeRequest('REGISTER'), 401, [challenge('SHA-256')]);
    site.carrier.expectNothing();
    await site.s.finish();
  });

  test('is asked again before the registration ends, as one registration', async () => {
    const site = new Site();
    const first = await site.register(600);
    await site.s.advance(539_000);
    site.carrier.expectNothing();
    await site.s.advance(1_500);
    const again = site.carrier.takeRequest('REGISTER');
    expect(again.headers.get('Call-ID')).toBe(first.headers.get('Call-ID'));
    expect(sequenceOf(again)).toBeGreaterThan(sequenceOf(first));
    expect(again.headers.get('Contact')).toBe(first.headers.get('Contact'));
    await site.answer(again, 200);
    expect(site.isRegistered).toBe(true);
    await site.s.finish();
  });

  test('that wants a longer registration gets it (423)', async () => {
    const site = new Site();
    await site.s.advance(3_000);
    await site.answer(site.carrier.takeRequest('REGISTER'), 423, [['Min-Expires', '7200']]);
    const longer = site.carrier.takeRequest('REGISTER');
    expect(longer.headers.get('Expires')).toBe('7200');
    await site.answer(longer, 200);
    await site.s.finish();
  });

  test('loses it when it says no, and is asked again later', async () => {
    const site = new Site();
    await site.register(600);
    await site.s.advance(540_500);
    await site.answer(site.carrier.takeRequest('REGISTER'), 403, [['Retry-After', '100']]);
    expect(site.isRegistered).toBe(false);
    await site.s.advance(99_000);
    site.carrier.expectNothing();
    await site.s.advance(2_000);
    site.carrier.takeRequest('REGISTER');
    expect(site.s.logged.map(({ event }) => event)).toContain('trunk-unregistered');
    await site.s.finish();
  });

  test('calls our Contact, and the number is in To', async () => {
    const site = new Site();
    const register = await site.register();
    const contact = /<([^>]+)>/.exec(register.headers.get('Contact') ?? '')?.[1] ?? '';
    expect(contact).toMatch(/^sip:pt-[0-9a-f]{24}@sbc\.example\.com:5062;transport=tls$/);
    const call = await site.carrier.call({
      uri: contact,
      to: '<sip:+442071838750@carrier.example>',
      from: '<sip:+441632960000@carrier.example>',
      body: sdp({ address: '198.51.100.71', port: 30_002, crypto: cryptoLine(77) }),
    });
    const leg = CalleeLeg.take(site.s.pbx);
    expect(leg.invite.uri).toBe('sip:+442071838750@10.0.0.5:5060');
    await leg.answer(pbxSdp());
    await call.takeAnswer();
    leg.takeAck();
    expect([site.s.b2bua.callsOf('trunk', 'carrier'), site.s.b2bua.callsOf('pbx', 'carrier')]).toEqual([1, 0]);
    await hangUp({ call, leg });
    await site.s.finish();
  });

  test('holds many numbers for one registration, and calls each by its name (RFC 6140 §5.2, §5.3)', async () => {
    const site = new Site('bulk_numbers = true');
    const register = await site.register();
    const contact = /^<([^>]+)>;expires=3600$/.exec(register.headers.get('Contact') ?? '')?.[1] ?? '';
    expect(contact).toBe('sip:sbc.example.com:5062;transport=tls;bnc');
    expect([register.headers.get('Require'), register.headers.get('Proxy-Require')]).toEqual(['gin', 'gin']);
    expect(site.isRegistered).toBe(true);
    const call = await site.carrier.call({
      uri: contact.replace('sip:', 'sip:+442071838751@'),
      to: '<sip:acme@carrier.example>',
      from: '<sip:+441632960000@carrier.example>',
      body: sdp({ address: '198.51.100.71', port: 30_002, crypto: cryptoLine(77) }),
    });
    const leg = CalleeLeg.take(site.s.pbx);
    expect(leg.invite.uri).toBe('sip:+442071838751@10.0.0.5:5060');
    await leg.answer(pbxSdp());
    await call.takeAnswer();
    leg.takeAck();
    await hangUp({ call, leg });
    await site.s.finish();
  });

  test('that does not know bulk numbers has not registered us', async () => {
    const site = new Site('bulk_numbers = true');
    await site.s.advance(3_000);
    await site.answer(site.carrier.takeRequest('REGISTER'), 420, [['Unsupported', 'gin']]);
    expect(site.isRegistered).toBe(false);
    await site.s.finish();
  });

  test('is told when it is not wanted any more', async () => {
    const site = new Site();
    await site.register();
    site.s.trunks.withdraw();
    await site.s.settle();
    const last = site.carrier.takeRequest('REGISTER');
    expect(last.headers.get('Expires')).toBe('0');
    expect(site.s.trunks.isWithdrawing).toBe(true);
    await site.answer(last, 401, [challenge('SHA-256')]);
    expect(site.s.trunks.isWithdrawing).toBe(true);
    const proven = site.carrier.takeRequest('REGISTER');
    expect(proven.headers.get('Expires')).toBe('0');
    expect(proven.headers.has('Authorization')).toBe(true);
    await site.answer(proven, 200);
    expect(site.s.trunks.isWithdrawing).toBe(false);
    await site.s.finish();
  });

  test('hears our credentials for the last time after it is gone from the configuration', async () => {
    const site = new Site();
    await site.register();
    site.s.trunks.apply({ config: { ...site.s.site.config, trunk: [] }, peer: () => undefined });
    await site.s.settle();
    await site.answer(site.carrier.takeRequest('REGISTER'), 401, [challenge('SHA-256')]);
    const proven = site.carrier.takeRequest('REGISTER');
    expect(proven.headers.has('Authorization')).toBe(true);
    await site.answer(proven, 200);
    await site.s.finish();
  });

  test('is known by the certificate of its registrar when it calls, and nobody else by our Contact', async () => {
    const more = `[[trunk]]
name = "reg"
listener = "carriers"
uri = "sips:sip.reg.example"
registers = true
username = "acme"
password_env = "CARRIER_PASSWORD"`;
    const s = new Scenario({ more });
    const uri = `sip:${s.trunks.contactUser('reg')}@sbc.example.com:5062`;
    const body = sdp({ address: '203.0.113.99', port: 30_002, crypto: cryptoLine(77) });
    const registrar = s.peer('reg', 'carriers', '203.0.113.9', 5061, undefined, ['sip.reg.example']);
    const call = await registrar.call({ uri, to: '<sip:600@sip.reg.example>', body });
    const leg = CalleeLeg.take(s.pbx);
    await leg.answer(pbxSdp());
    await call.takeAnswer();
    leg.takeAck();
    await hangUp({ call, leg });
    expect(s.record.caller).toEqual({ kind: 'trunk', name: 'reg' });
    const stranger = s.peer('stranger', 'carriers', '203.0.113.10', 5061, undefined, ['sip.other.example']);
    await (await stranger.call({ uri, to: '<sip:600@sip.reg.example>', body })).takeRefusal(401);
    s.pbx.expectNothing();
    await s.finish();
  });
});
