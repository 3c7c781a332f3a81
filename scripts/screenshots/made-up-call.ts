// The SIP of a made-up call, as the trace keeps it: a phone outside calls a number that the PBX reaches by itself.
import type { SocketAddress } from '../../src/core/socket-address.ts';
import type { TracedMessage } from '../../src/observe/trace/message-ring.ts';

export const madeUpCall = { id: '5d0c81f2a97e4b36', caller: 'a.meyer@example.com', dialled: '+493012345' } as const;

const phone: SocketAddress = { address: '198.51.100.24', port: 51_834 };
const pbx: SocketAddress = { address: '10.0.0.5', port: 5060 };
const outside: SocketAddress = { address: '203.0.113.10', port: 5061 };
const inside: SocketAddress = { address: '10.0.0.10', port: 5060 };

const agent = 'Yealink SIP-T54W 96.86.0.100';
const caller = '"Anna Meyer" <sip:a.meyer@example.com>;tag=3f81c2';
const callee = `<sip:${madeUpCall.dialled}@example.com>`;
const answered = `${callee};tag=as7c0e5519`;

/** Of the side of the phone. */
function outsideHead(first: string, cseq: string, to: string, more: readonly string[] = []): string {
  const via = `Via: SIP/2.0/TLS ${phone.address}:${phone.port};branch=z9hG4bK8814ad;rport`;
  const ids = [`From: ${caller}`, `To: ${to}`, 'Call-ID: 0_2914430267@198.51.100.24', `CSeq: ${cseq}`];
  return [first, via, ...ids, ...more].join('\r\n');
}

/** Of the side of the PBX. */
function insideHead(first: string, cseq: string, to: string, more: readonly string[] = []): string {
  const via = `Via: SIP/2.0/UDP ${inside.address}:${inside.port};branch=z9hG4bK1f06b2d97c`;
  const from = 'From: "Anna Meyer" <sip:a.meyer@example.com>;tag=p1-d88825dd';
  const ids = [from, `To: ${to}`, 'Call-ID: 9e1b54c7a0d24f6f8a52', `CSeq: ${cseq}`];
  return [first, via, ...ids, ...more].join('\r\n');
}

function sdp(address: string, port: number, isSecure: boolean): string {
  return [
    'v=0',
    `o=- 20061 20061 IN IP4 ${address}`,
    's=-',
    `c=IN IP4 ${address}`,
    't=0 0',
    `m=audio ${port} ${isSecure ? 'RTP/SAVP' : 'RTP/AVP'} 9 8 101`,
    ...(isSecure ? ['a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:…'] : []),
    'a=rtpmap:9 G722/8000',
    'a=rtpmap:8 PCMA/8000',
    'a=rtpmap:101 telephone-event/8000',
    'a=sendrecv',
    '',
  ].join('\r\n');
}

function withBody(head: string, body = ''): string {
  const type = body === '' ? [] : ['Content-Type: application/sdp'];
  return [head, ...type, `Content-Length: ${body.length}`, '', body].join('\r\n');
}

const invite = `INVITE sip:${madeUpCall.dialled}@example.com;user=phone SIP/2.0`;
const contact = `Contact: <sip:a.meyer@${phone.address}:${phone.port};transport=tls>`;
const ours = ['Contact: <sip:203.0.113.10:5061;transport=tls>'];
const asserted = [
  'Contact: <sip:a.meyer@10.0.0.10:5060>',
  'Max-Forwards: 69',
  'Allow: INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, OPTIONS, REFER, NOTIFY',
  'P-Asserted-Identity: "Anna Meyer" <sip:a.meyer@example.com>',
  `X-Sbc-Call: ${madeUpCall.id}`,
  'Supported: 100rel, timer',
  'Session-Expires: 1800',
];
const offer = sdp(phone.address, 11_780, true);

/** When it began, and what follows how many ms later. */
export function madeUpTrace(startedAt: number): readonly TracedMessage[] {
  const steps: readonly (readonly [number, 'in' | 'out', 'phone' | 'pbx', string])[] = [
    [0, 'in', 'phone', withBody(outsideHead(invite, '1 INVITE', callee, [contact, `User-Agent: ${agent}`]), offer)],
    [1, 'out', 'phone', withBody(outsideHead('SIP/2.0 401 Unauthorized', '1 INVITE', `${callee};tag=p1-0`))],
    [38, 'in', 'phone', withBody(outsideHead(`ACK sip:${madeUpCall.dialled}@example.com SIP/2.0`, '1 ACK', callee))],
    [39, 'in', 'phone', withBody(outsideHead(invite, '2 INVITE', callee, [contact, `User-Agent: ${agent}`]), offer)],
    [40, 'out', 'phone', withBody(outsideHead('SIP/2.0 100 Trying', '2 INVITE', callee))],
    [
      43,
      'out',
      'pbx',
      withBody(
        insideHead(`INVITE sip:${madeUpCall.dialled}@10.0.0.5:5060;user=phone SIP/2.0`, '1 INVITE', callee, asserted),
        sdp(inside.address, 20_412, false),
      ),
    ],
    [45, 'in', 'pbx', withBody(insideHead('SIP/2.0 100 Trying', '1 INVITE', callee))],
    [612, 'in', 'pbx', withBody(insideHead('SIP/2.0 180 Ringing', '1 INVITE', answered))],
    [613, 'out', 'phone', withBody(outsideHead('SIP/2.0 180 Ringing', '2 INVITE', `${callee};tag=p1-1`, ours))],
    [4_871, 'in', 'pbx', withBody(insideHead('SIP/2.0 200 OK', '1 INVITE', answered), sdp(pbx.address, 14_302, false))],
    [
      4_873,
      'out',
      'phone',
      withBody(
        outsideHead('SIP/2.0 200 OK', '2 INVITE', `${callee};tag=p1-1`, ours),
        sdp(outside.address, 20_410, true),
      ),
    ],
    [4_873, 'out', 'pbx', withBody(insideHead('ACK sip:10.0.0.5:5060 SIP/2.0', '1 ACK', answered))],
    [4_910, 'in', 'phone', withBody(outsideHead('ACK sip:203.0.113.10:5061;transport=tls SIP/2.0', '2 ACK', callee))],
  ];
  return steps.map(([after, direction, side, text]) => ({
    at: startedAt + after,
    direction,
    transport: side === 'phone' ? 'tls' : 'udp',
    local: side === 'phone' ? outside : inside,
    remote: side === 'phone' ? phone : pbx,
    bytes: Buffer.from(text),
  }));
}
