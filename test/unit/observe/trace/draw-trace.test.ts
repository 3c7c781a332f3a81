import { describe, expect, test } from 'vitest';
import { capturedMedia } from '../../../../src/compose/operation/captured-media.ts';
import type { HeaderCapture } from '../../../../src/media/plane/messages.ts';
import { HeaderNotes } from '../../../../src/media/rtp/packet-headers.ts';
import type { PacketMemory } from '../../../../src/media/rtp/packet-memory.ts';
import { drawTrace } from '../../../../src/observe/trace/draw-trace.ts';
import { drawSvg, drawText, ladderOf, mostColumns, mostSteps } from '../../../../src/observe/trace/ladder.ts';
import type { TracedMessage } from '../../../../src/observe/trace/message-ring.ts';
import { redacted } from '../../../../src/observe/trace/redaction.ts';
import { rtp, senderReport } from '../../../support/rtp-packets.ts';
import { plainMemory } from '../../../support/srtp-vectors.ts';

const here = { address: '192.0.2.1', port: 5061 };
const phone = { address: '198.51.100.7', port: 40_000 };
const pbx = { address: '2001:db8::5', port: 5060 };

function sip(at: number, direction: 'in' | 'out', remote: typeof phone, head: string, body = ''): TracedMessage {
  const transport = remote === phone ? 'tls' : 'udp';
  return { at, direction, transport, local: here, remote, bytes: Buffer.from(`${head}\r\n\r\n${body}`) };
}

const sdp = 'v=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20\r\n';
const invite = sip(
  1_700_000_000_123.5,
  'in',
  phone,
  'INVITE sip:bob@x SIP/2.0\r\nCSeq: 1 INVITE\r\nAuthorization: Digest username="a",\r\n response="0123abcdef", nc=1\r\nContent-Type: application/sdp',
  sdp,
);
const messages = [
  invite,
  sip(1_700_000_000_200, 'out', pbx, 'INVITE sip:bob@pbx SIP/2.0\r\nCSeq: 1 INVITE'),
  sip(1_700_000_001_000, 'in', pbx, 'SIP/2.0 200 OK\r\nCSeq: 1 INVITE'),
  sip(1_700_000_001_010, 'out', phone, 'SIP/2.0 200 OK\r\nCSeq: 1 INVITE\r\nc: application/sdp', sdp),
];

describe('a ladder', () => {
  test('has the caller on the left, us beside it, and an arrow for each message', () => {
    const ladder = ladderOf(messages, 'portcullis');
    expect(ladder.columns).toEqual(['tls 198.51.100.7:40000', 'portcullis', 'udp [2001:db8::5]:5060']);
    expect(ladder.steps.map(({ from, to, label }) => [from, to, label])).toEqual([
      [0, 1, 'INVITE sip:bob@x +SDP'],
      [1, 2, 'INVITE sip:bob@pbx'],
      [2, 1, '200 OK (INVITE)'],
      [1, 0, '200 OK (INVITE) +SDP'],
    ]);
    const drawn = drawText(ladder).split('\n');
    expect(drawn[2]).toContain('0.000');
    expect(drawn[3]).toMatch(/^ +\|-+>\| +\|$/);
    expect(drawn[9]).toMatch(/^ +\|<-+\| +\|$/);
  });

  test('shows what a peer wrote, and obeys none of it', () => {
    const evil = sip(0, 'in', phone, 'INVITE sip:\u001b[2J<script>@x SIP/2.0\r\nCSeq: 1 INVITE');
    expect(drawText(ladderOf([evil], 'sbc'))).not.toContain('\u001b');
    const svg = drawSvg(ladderOf([evil], 'sbc'));
    expect(svg).not.toContain('<script>');
    expect(svg).toContain('&lt;script&gt;');
  });
});

describe('a ladder of a flood', () => {
  const flood = Array.from({ length: 20_000 }, (_, index) => ({
    ...sip(index, 'in', phone, 'OPTIONS sip:x SIP/2.0\r\nCSeq: 1 OPTIONS'),
    remote: { address: '203.0.113.9', port: index },
  }));

  test('has a column for some of its peers, one for all others, and says how much of it was left out', () => {
    const ladder = ladderOf(flood, 'portcullis');
    expect(ladder.columns).toHaveLength(mostColumns);
    expect(ladder.columns.at(-1)).toBe('others');
    expect(ladder.steps).toHaveLength(mostSteps);
    expect(ladder.omitted).toBe(flood.length - mostSteps);
    expect(drawText(ladder).trimEnd().split('\n').at(-1)).toBe(`and ${flood.length - mostSteps} messages more`);
    expect(drawSvg(ladder)).toContain(`and ${flood.length - mostSteps} messages more`);
  });
});

describe('secrets', () => {
  test('are written over with as many letters, in folded fields too', () => {
    const after = Buffer.from(redacted(invite.bytes)).toString();
    expect(after).toHaveLength(invite.bytes.length);
    expect(after).not.toContain('0123abcdef');
    expect(after).toContain('response="xxxxxxxxxx", nc=1');
    expect(after).not.toContain('d0RmdmcmVCspeEc3');
    expect(after).toContain('|2^20');
  });

  test.each([
    ['behind empty lines', '\r\n\r\nREGISTER sip:x SIP/2.0\r\nAuthorization: Digest response="5ec4e7"'],
    ['folded at the equals sign', 'REGISTER sip:x SIP/2.0\r\nAuthorization: Digest response=\r\n "5ec4e7"\r\nX: 1'],
    ['as a password', 'REGISTER sip:x SIP/2.0\r\nAuthorization: Basic 5ec4e7'],
    ['of the server', 'SIP/2.0 200 OK\r\nAuthentication-Info: rspauth="5ec4e7", nc=1'],
    ['in a description with a shouted method', 'x SIP/2.0', 'a=crypto:1 AES_CM_128_HMAC_SHA1_80 INLINE:5ec4e7'],
    ['of ICE', 'x SIP/2.0', 'v=0\na=ice-pwd:5ec4e7\n'],
    ['as digits of a folded type', 'INFO x SIP/2.0\r\nContent-Type:\r\n application/dtmf', '5ec4e7'],
    [
      'as digits in a part',
      'INFO x SIP/2.0\r\nContent-Type: multipart/mixed',
      '--a\r\nContent-Type: application/dtmf\r\n\r\n5ec4e7',
    ],
  ])('are found %s', (_where, head, body = '') => {
    const { bytes } = sip(0, 'in', phone, head, body);
    const after = Buffer.from(redacted(bytes)).toString();
    expect(after).toHaveLength(bytes.length);
    expect(after).not.toContain('5ec4e7');
  });

  test('digits of an INFO are none to be read', () => {
    const head = 'INFO sip:x SIP/2.0\r\nContent-Type: application/dtmf-relay';
    const info = sip(0, 'in', phone, head, 'Signal=5\r\nDuration=160');
    expect(Buffer.from(redacted(info.bytes)).toString()).toMatch(/\r\n\r\nx{8}\r\nx{12}$/);
  });

  test('are in the messages only where asked for', async () => {
    expect(Buffer.from(await drawTrace(messages, 'messages')).toString()).not.toContain('0123abcdef');
    expect(Buffer.from(await drawTrace(messages, 'messages', { withSecrets: true })).toString()).toContain(
      '0123abcdef',
    );
  });
});

describe('a long trace', () => {
  test('is drawn in many turns, since calls go on meanwhile, and comes out whole', async () => {
    const many = Array.from({ length: 1_000 }, (_, at) =>
      sip(at, 'in', phone, 'INFO sip:x SIP/2.0', 'x'.repeat(1_000)),
    );
    let pauses = 0;
    const pause = (): Promise<void> => {
      pauses += 1;
      return Promise.resolve();
    };
    const drawn = await drawTrace(many, 'messages', {}, pause);
    const size = many.reduce((sum, { bytes }) => sum + bytes.length, 0);
    expect(pauses).toBeGreaterThanOrEqual(Math.floor(size / 66_000) - 1);
    expect(
      Buffer.from(drawn)
        .toString()
        .match(/^INFO /gm),
    ).toHaveLength(1_000);
  });
});

describe('a capture', () => {
  test('has a record for each message with the time, the addresses and the bytes', async () => {
    const pcap = Buffer.from(await drawTrace(messages, 'pcap', { withSecrets: true }));
    expect(pcap.readUInt32LE(0)).toBe(0xa1b2c3d4);
    expect(pcap.readUInt32LE(20)).toBe(252);
    const records = recordsOf(pcap);
    expect(records).toHaveLength(4);
    const [first = Buffer.alloc(0), second = Buffer.alloc(0)] = records;
    expect([first.readUInt32LE(0), first.readUInt32LE(4)]).toEqual([1_700_000_000, 123_500]);
    expect(first.includes(Buffer.from([0, 20, 0, 4, 198, 51, 100, 7]))).toBe(true);
    expect(first.includes(Buffer.from(invite.bytes))).toBe(true);
    expect(second.includes(Buffer.from([0, 23, 0, 16, 0x20, 0x01, 0x0d, 0xb8]))).toBe(true);
  });

  test('has the headers of media among them, in the order of time, and says how long each packet was', async () => {
    const notes = new HeaderNotes(2);
    const sent = new HeaderNotes(2);
    const packet = rtp({ sequence: 7, payload: new Uint8Array(160).fill(0x5e) });
    notes.note(memoryWith(packet), 0, packet.length + 10, 'rtp', 1_700_000_000_150);
    const report = senderReport(0x11223344, 5);
    sent.note(memoryWith(report), 0, report.length + 14, 'rtcp', 1_700_000_000_900);
    const capture: HeaderCapture = {
      endpoint: 1,
      local: { address: '192.0.2.1', port: 20_000 },
      localRtcp: { address: '192.0.2.1', port: 20_001 },
      remote: { address: '198.51.100.7', port: 4_000 },
      remoteRtcp: { address: '198.51.100.7', port: 4_001 },
      received: notes.records,
      sent: sent.records,
    };
    const pcap = Buffer.from(await drawTrace(messages, 'pcap', { captures: [capturedMedia(capture)] }));
    const records = recordsOf(pcap);
    expect(records).toHaveLength(6);
    const [, media = Buffer.alloc(0), , rtcp = Buffer.alloc(0)] = records;
    expect(media.includes(Buffer.from('rtp\0'))).toBe(true);
    expect(media.subarray(-12)).toEqual(Buffer.from(packet.subarray(0, 12)));
    expect(media.readUInt32LE(12) - media.readUInt32LE(8)).toBe(packet.length + 10 - 12);
    expect(media.includes(Buffer.from([0, 25, 0, 4, 0, 0, 0x0f, 0xa0]))).toBe(true);
    expect(rtcp.includes(Buffer.from('rtcp'))).toBe(true);
    expect(rtcp.includes(Buffer.from([0, 26, 0, 4, 0, 0, 0x0f, 0xa1]))).toBe(true);
    expect(rtcp.subarray(-8)).toEqual(Buffer.from(report.subarray(0, 8)));
    expect(pcap.includes(Buffer.alloc(4, 0x5e))).toBe(false);
  });
});

function recordsOf(pcap: Buffer): readonly Buffer[] {
  const records: Buffer[] = [];
  for (let at = 24; at < pcap.length; ) {
    const end = at + 16 + pcap.readUInt32LE(at + 8);
    records.push(pcap.subarray(at, end));
    at = end;
  }
  return records;
}

function memoryWith(packet: Uint8Array): PacketMemory {
  const memory = plainMemory(2_048);
  memory.bytes.set(packet);
  return memory;
}
