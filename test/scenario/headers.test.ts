// Headers of a whole call, message by message: golden files of what goes out (UPDATE_GOLDEN=1 writes them), Session-ID and Reason
// both ways, sips, signatures (RFC 7989, RFC 3326, RFC 5630, RFC 8224).
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { Scenario } from '../support/scenario.ts';
import { callFromPbx, hangUp, pbxSdp } from '../support/scenario-calls.ts';
import { CalleeLeg, type Field } from '../support/scenario-peer.ts';
import { cryptoLine, sdp } from '../support/scenario-sdp.ts';

const a = 'a'.repeat(32);
const b = 'b'.repeat(32);
const nil = '0'.repeat(32);

/** What the SBC sent on that side, without bodies and what chance decides. */
function sentText(s: Scenario, network: string): string {
  return s.wire.log
    .filter(({ direction, flow }) => direction === 'to' && flow.network === network)
    .map(({ text }) => text.slice(0, text.indexOf('\r\n\r\n')).split('\r\n'))
    .map((lines) =>
      lines
        .filter((line) => !/^(Allow|Supported|Session-Expires|Min-SE|WWW-Authenticate|Content-Length):/.test(line))
        .join('\n'),
    )
    .join('\n\n')
    .replaceAll(/(branch=z9hG4bK|tag=|Call-ID: |X-Sbc-Call: )[0-9a-f]{16,}/g, '$1…');
}

function expectGolden(name: string, text: string): void {
  const path = fileURLToPath(new URL(`../golden/messages/${name}.golden`, import.meta.url));
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(path, `${text}\n`);
  expect(`${text}\n`).toBe(readFileSync(path, 'utf8'));
}

const everything: readonly Field[] = [
  ['Session-ID', `${a};remote=${nil}`],
  ['Subject', 'hello'],
  ['Privacy', 'id'],
  ['P-Asserted-Identity', '<sip:director@pbx.test>'],
  ['P-Preferred-Identity', '<sip:director@pbx.test>'],
  ['Remote-Party-ID', '<sip:director@pbx.test>'],
  ['History-Info', '<sip:600@10.9.9.9>;index=1'],
  ['Diversion', '<sip:600@10.9.9.9>;reason=unconditional'],
  ['Identity', 'aa.bb.cc;info=<https://cert.test/a.pem>'],
  ['Alert-Info', '<http://ring.test/x.wav>'],
  ['Call-Info', '<http://photo.test/x.jpg>;purpose=icon'],
];

test('a user calls the PBX: what crosses of everything that the phone says', async () => {
  const s = new Scenario();
  const alice = s.phone('alice');
  const call = await alice.invite('600', { fields: everything });
  const leg = CalleeLeg.take(s.pbx);
  await leg.ring(180, { fields: [['Session-ID', `${b};remote=${a}`]] });
  call.take(180);
  await leg.answer(pbxSdp(), [['Session-ID', `${b};remote=${a}`]]);
  await call.takeAnswer();
  leg.takeAck();
  await call.hangUp([['Reason', 'Q.850;cause=16;text="done"']]);
  await leg.takeBye();
  expectGolden('user-to-pbx', sentText(s, 'inside'));
  await s.finish();
  expect(s.record.trace).toContainEqual({ rule: 'signed-identity', answer: 'dropped: the caller wants privacy' });
  const answers = s.wire.log.filter(({ flow, message }) => flow.id === alice.flow.id && message.kind === 'response');
  const ids = answers.map(({ message }) => message.headers.get('Session-ID'));
  // The challenge keeps nothing and knows nothing; the answer to the BYE is ours and carries both halves.
  expect(ids).toEqual([undefined, `${b};remote=${a}`, `${b};remote=${a}`, `${b};remote=${a}`]);
});

test('the PBX calls a trusted trunk: privacy, forwarding and identity are told', async () => {
  const s = new Scenario({ trunk: 'trust_identity = true' });
  const carrier = s.carrier();
  const call = await s.pbx.call({
    uri: 'sip:+442071838750@10.0.0.10',
    from: '"Reception" <sip:100@pbx.test>',
    fields: everything,
    body: pbxSdp(),
  });
  const leg = CalleeLeg.take(carrier);
  await leg.refuse(486, [
    ['Reason', 'Q.850;cause=17;text="User busy"'],
    ['Session-ID', `${b};remote=${a}`],
  ]);
  const refusal = await call.takeRefusal(486);
  expect(refusal.headers.get('Reason')).toBe('Q.850;cause=17;text="User busy"');
  expect(refusal.headers.get('Session-ID')).toBe(`${b};remote=${a}`);
  expectGolden('pbx-to-trusted-trunk', sentText(s, 'outside'));
  await s.finish();
  expect(s.record.trace).toContainEqual({ rule: 'diverted', answer: 'by 600' });
});

test('the PBX calls a trunk that is not trusted: none of it is', async () => {
  const s = new Scenario();
  const carrier = s.carrier();
  const call = await s.pbx.call({
    uri: 'sip:+442071838750@10.0.0.10',
    from: '"Reception" <sip:100@pbx.test>',
    fields: everything,
    body: pbxSdp(),
  });
  await CalleeLeg.take(carrier).refuse(486);
  await call.takeRefusal(486);
  expectGolden('pbx-to-untrusted-trunk', sentText(s, 'outside'));
  await s.finish();
});

test('a signed Identity of a carrier reaches a PBX that verifies it (RFC 8224)', async () => {
  const s = new Scenario({ pbx: 'signed_identity = "pass"' });
  const carrier = s.carrier();
  const call = await carrier.call({
    uri: 'sip:+442071838750@sbc.example.com',
    from: '<sip:+441632960000@signer.test>',
    to: '<sip:+442071838750@signer.test>',
    fields: [
      ['Identity', 'aa.bb.cc;info=<https://cert.test/a.pem>'],
      ['Date', 'Fri, 27 Nov 2026 02:00:00 GMT'],
    ],
    body: sdp({ address: '198.51.100.71', port: 30_002, crypto: cryptoLine(77) }),
  });
  const leg = CalleeLeg.take(s.pbx);
  expect(leg.invite.headers.get('From')).toMatch(/^<sip:\+441632960000@signer\.test>;tag=/);
  expect(leg.invite.headers.get('To')).toBe('<sip:+442071838750@signer.test>');
  expect(leg.invite.headers.get('Identity')).toBe('aa.bb.cc;info=<https://cert.test/a.pem>');
  expect(leg.invite.headers.get('Date')).toBe('Fri, 27 Nov 2026 02:00:00 GMT');
  await leg.refuse(486);
  await call.takeRefusal(486);
  await s.finish();
});

describe('a call to a sips URI (RFC 5630 §3.2)', () => {
  test('does not leave over UDP: 480, and nobody rings', async () => {
    const s = new Scenario();
    const call = await s.phone('alice').invite('600', { uri: 'sips:600@pbx.test' });
    await call.takeRefusal(480);
    s.pbx.expectNothing();
    await s.finish();
    expect(s.record.refusal?.code).toBe('sips-not-possible');
  });

  test('leaves over UDP to a PBX whose network is trusted, by a setting that says so', async () => {
    const s = new Scenario({ pbx: 'sips_without_tls = true' });
    const call = await s.phone('alice').invite('600', { uri: 'sips:600@pbx.test' });
    const leg = CalleeLeg.take(s.pbx);
    expect(leg.invite.uri).toBe('sip:600@10.0.0.5:5060');
    await leg.refuse(486);
    await call.takeRefusal(486);
    await s.finish();
  });

  test('reaches a phone over its TLS flow', async () => {
    const s = new Scenario();
    const bob = await s.registered('bob');
    const call = await s.pbx.call({ uri: 'sips:bob@10.0.0.10', from: '<sip:100@pbx.test>', body: pbxSdp() });
    await CalleeLeg.take(bob).refuse(486);
    await call.takeRefusal(486);
    await s.finish();
  });
});

test('a Session-ID that comes with a re-INVITE is what both sides go on with (RFC 7989 §7)', async () => {
  const s = new Scenario();
  const bob = await s.registered('bob');
  const call = await callFromPbx(s, 'bob');
  const leg = CalleeLeg.take(bob);
  expect(leg.invite.headers.has('Session-ID')).toBe(false);
  await leg.answer(bob.answer(leg.invite.body), [['Session-ID', `${b};remote=${nil}`]]);
  const answer = await call.takeAnswer();
  expect(answer.headers.get('Session-ID')).toBe(`${b};remote=${nil}`);
  const ack = leg.takeAck();
  const spokenFor = ack.headers.get('Session-ID')?.slice(0, 32);
  expect(ack.headers.get('Session-ID')).toBe(`${spokenFor};remote=${b}`);
  await call.send('INVITE', { body: pbxSdp({ version: 2 }), fields: [['Session-ID', `${a};remote=${b}`]] });
  const relayed = bob.takeRequest('INVITE');
  expect(relayed.headers.get('Session-ID')).toBe(`${a};remote=${b}`);
  await leg.respond(relayed, 200, { body: bob.answer(relayed.body) });
  await call.takeAnswer();
  leg.takeAck();
  await hangUp({ call, leg });
  await s.finish();
});
