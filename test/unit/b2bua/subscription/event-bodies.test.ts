// What a notification may say of the inside: no host, no dialog (RFC 5853 §3.1).
import { expect, test } from 'vitest';
import type { EventPackage } from '../../../../src/b2bua/routing/method-policy.ts';
import { bodyForPhone } from '../../../../src/b2bua/subscription/event-bodies.ts';

const types = {
  'message-summary': 'application/simple-message-summary',
  dialog: 'application/dialog-info+xml',
  presence: 'application/pidf+xml',
};

function told(name: EventPackage, text: string, contentType = types[name]): string | number | undefined {
  const body = { contentType, bytes: Buffer.from(text) };
  const read = bodyForPhone(body, { name, domain: 'pbx.test', maxBytes: 2_000 });
  return read.kind === 'refused' ? read.status : Buffer.from(read.body?.bytes ?? []).toString();
}

test('a message summary keeps the lines of RFC 3842 and nothing else', () => {
  const text =
    'Messages-Waiting: yes\r\nMessage-Account: sips:600:pw@[fd00::5]:5061;transport=tls\r\nVoice-Message: 1/2 (0/0)\r\nFax-Message: 0/1\r\nX-Host: 10.0.0.5\r\n\r\nFrom: <sip:bob@10.0.0.9>\r\n';
  expect(told('message-summary', text)).toBe(
    'Messages-Waiting: yes\r\nMessage-Account: sips:600@pbx.test\r\nVoice-Message: 1/2 (0/0)\r\nFax-Message: 0/1\r\n',
  );
});

test.each([
  ['Message-Account: 600@10.0.0.5:5060', 'Message-Account: 600@pbx.test'],
  ['Message-Account: tel:600;phone-context=inside.test', 'Message-Account: tel:600;phone-context=pbx.test'],
])('of the account in %s the phone is told %s', (line, expected) => {
  expect(told('message-summary', `${line}\r\n`)).toBe(`${expected}\r\n`);
});

test.each([
  ['<d entity="sip:600@10.0.0.5:5060">', '<d entity="sip:600@pbx.test">'],
  ['<d entity="sip:10.0.0.5"/>', '<d entity="sip:pbx.test"/>'],
  ["<t uri='SIPS:a%40b@h;x?y'/>", "<t uri='SIPS:a%40b@pbx.test'/>"],
  ['<i>pres:bob@inside.test</i> im:x@h', '<i>pres:bob@pbx.test</i> im:x@pbx.test'],
  ['<dialog id="1" call-id="a@10.0.0.5" local-tag=\'x\' remote-tag = "y">', '<dialog id="1">'],
  [
    'claim:x@y tel:+44123 xmlns="urn:ietf:params:xml:ns:dialog-info"',
    'claim:x@y tel:+44123 xmlns="urn:ietf:params:xml:ns:dialog-info"',
  ],
  ['<note>Grüße</note>', '<note>Grüße</note>'],
  // RFC 3966 §5.1.5: the context of a local number may be a domain; that of a global one is its front.
  ['<i>tel:600;phone-context=inside.test;ext=1</i>', '<i>tel:600;phone-context=pbx.test;ext=1</i>'],
  [
    '<i>tel:600;phone-context=+44</i> tel:1;phone-context=%2B44',
    '<i>tel:600;phone-context=+44</i> tel:1;phone-context=%2B44',
  ],
  ['<i>sip:600;phone-context=inside.test:pw@10.0.0.5;user=phone</i>', '<i>sip:600;phone-context=pbx.test@pbx.test</i>'],
  ['<c>h323:bob@10.0.0.5:1720</c>', '<c>h323:bob@pbx.test</c>'],
  // RFC 3986 §3.2, but not the names of namespaces.
  ['<icon>http://u:p@10.0.0.5:8080/a.png?x#y</icon>', '<icon>http://pbx.test/a.png?x#y</icon>'],
  ["<a href='HTTPS://inside.test'/> ws://[fd00::5]/", "<a href='HTTPS://pbx.test'/> ws://pbx.test/"],
  [
    '<p xmlns="http://www.w3.org/1" xmlns:r = \'http://www.w3.org/2\' at="http://www.w3.org/3">',
    '<p xmlns="http://www.w3.org/1" xmlns:r = \'http://www.w3.org/2\' at="http://pbx.test/3">',
  ],
  ['<i>mailto:bob@pbx.example</i>', '<i>mailto:bob@pbx.example</i>'],
  // RFC 4235 §4.1.6.5, §4.1.5: what is described there is of the inside.
  [
    'a<session-description type="application/sdp">c=IN IP4 10.0.0.5</session-description>b<d:route-set><hop>sip:x</hop></d:route-set>c',
    'abc',
  ],
  [
    'a<session-description/>b<session-descriptions>c</session-descriptions>',
    'ab<session-descriptions>c</session-descriptions>',
  ],
  ['a<route-set><route-set></route-set>b</route-set>c<route-set>d', 'ac'],
])('of %s the phone is told %s', (text, expected) => {
  expect(told('dialog', text)).toBe(expected);
  expect(told('presence', text)).toBe(expected);
});

test('a dialog has a name of ours for its Call-ID, and its tags, where it may be picked up', () => {
  const text = `<dialog call-id='a&amp;b@10.0.0.5' local-tag="x" remote-tag='y'/><replaces call-id="a&amp;b@10.0.0.5"/>`;
  const asked: string[] = [];
  const nameOf = (callId: string): string => {
    asked.push(callId);
    return 'n1';
  };
  const body = { contentType: types.dialog, bytes: Buffer.from(text) };
  const read = bodyForPhone(body, { name: 'dialog', domain: 'pbx.test', maxBytes: 2_000, nameOf });
  const shown = read.kind === 'body' ? Buffer.from(read.body?.bytes ?? []).toString() : '';
  expect(shown).toBe(`<dialog call-id="n1" local-tag="x" remote-tag='y'/><replaces call-id="n1"/>`);
  expect(asked).toEqual(['a&b@10.0.0.5', 'a&b@10.0.0.5']);
  const presence = { contentType: types.presence, bytes: Buffer.from(text) };
  const other = bodyForPhone(presence, { name: 'presence', domain: 'pbx.test', maxBytes: 2_000, nameOf });
  expect(other.kind === 'body' ? Buffer.from(other.body?.bytes ?? []).toString() : '').not.toContain('call-id');
});

test('what is too large, of another type or not in bytes is refused', () => {
  expect(told('dialog', 'x'.repeat(2_001))).toBe(413);
  expect(told('dialog', '<x/>', 'application/pidf+xml')).toBe(415);
  expect(told('dialog', '<\0x\0')).toBe(415);
  expect(told('dialog', '<x/>', 'Application/Dialog-Info+XML; charset=utf-8')).toBe('<x/>');
  expect(bodyForPhone(undefined, { name: 'dialog', domain: 'pbx.test', maxBytes: 1 })).toEqual({
    kind: 'body',
    body: undefined,
  });
});

test('a body that is full of what is looked for, and never is it, comes out whole', () => {
  const hostile = `${'sip:'.repeat(5_000)} ${' '.repeat(15_000)}call-id${' '.repeat(15_000)}`;
  const body = { contentType: types.dialog, bytes: Buffer.from(hostile) };
  const read = bodyForPhone(body, { name: 'dialog', domain: 'pbx.test', maxBytes: 60_000 });
  const text = read.kind === 'body' ? Buffer.from(read.body?.bytes ?? []).toString() : '';
  expect(text.startsWith('sip:pbx.test ')).toBe(true);
  expect(text.trimEnd().endsWith('call-id')).toBe(true);
});
