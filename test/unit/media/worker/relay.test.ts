import { describe, expect, test } from 'vitest';
import { type EndpointReport, mostEndpoints, type OpenedEndpoint } from '../../../../src/media/plane/messages.ts';
import { localAddress, Peer, RelayBench } from '../../../support/relay-bench.ts';
import { cname, compound, rtcpPacket, rtp, senderReport, sequenceOf, ssrcOf } from '../../../support/rtp-packets.ts';

const suite = 'AES_CM_128_HMAC_SHA1_80';
const phoneAt = '198.51.100.7';
const pbxAt = '192.0.2.50';
const stranger = { address: '203.0.113.66', port: 6666 };

interface Call {
  readonly bench: RelayBench;
  readonly phone: Peer;
  readonly pbx: Peer;
  readonly a: OpenedEndpoint;
  readonly b: OpenedEndpoint;
}

/** A phone with SRTP at endpoint a, a PBX with plain RTP at endpoint b, joined. */
function call(bench = new RelayBench()): Call {
  const [a, b] = bench.open([{}, {}]);
  if (a === undefined || b === undefined) throw new Error('two endpoints were asked for');
  const phone = new Peer(phoneAt, 4000, suite);
  const pbx = new Peer(pbxAt, 30_000);
  bench.setRemote(a, phone.remote());
  bench.setRemote(b, pbx.remote());
  bench.join(a, b);
  return { bench, phone, pbx, a, b };
}

const fromPhone = ({ bench, phone, a }: Call, packet: Uint8Array, source = phone.at) =>
  bench.io.deliver(a.rtpPort, source, phone.protectRtp(packet));
const fromPbx = ({ bench, pbx, b }: Call, packet: Uint8Array, source = pbx.at) =>
  bench.io.deliver(b.rtpPort, source, packet);
const reportOf = (reports: readonly EndpointReport[], { endpoint }: OpenedEndpoint): EndpointReport => {
  const found = reports.find((report) => report.endpoint === endpoint);
  if (found === undefined) throw new Error(`no report of endpoint ${endpoint}`);
  return found;
};

describe('relaying between SRTP and RTP', () => {
  test('packets of both sides arrive as they were sent, at the signalled addresses', () => {
    const one = call();
    const packet = rtp({ sequence: 5 });
    const [outward] = fromPhone(one, packet);
    expect(outward).toMatchObject({ from: `${localAddress}:${one.b.rtpPort}`, to: `${pbxAt}:30000` });
    expect(outward?.bytes).toEqual(packet);
    const [inward] = fromPbx(one, packet);
    expect(inward).toMatchObject({ from: `${localAddress}:${one.a.rtpPort}`, to: `${phoneAt}:4000` });
    expect(inward?.bytes).not.toEqual(packet);
    expect(one.phone.receiveRtp(inward)).toEqual(packet);
  });

  test('the report tells what came, went, was lost and was dropped on each side', () => {
    const one = call();
    for (const sequence of [1, 2, 4]) fromPhone(one, rtp({ sequence }));
    fromPbx(one, rtp({ sequence: 9 }), stranger);
    fromPbx(one, rtp({ sequence: 9 }));
    const reports = one.bench.close();
    expect(reportOf(reports, one.a)).toMatchObject({
      received: { packets: 3, bytes: 3 * 182 },
      sent: { packets: 1, bytes: 182 },
      lost: 1,
      latched: one.phone.at,
    });
    expect(reportOf(reports, one.a).meanOpinionScore).toBeLessThan(4.4);
    expect(reportOf(reports, one.b)).toMatchObject({ received: { packets: 1 }, sent: { packets: 3 }, lost: 0 });
    expect(reportOf(reports, one.b).dropped).toMatchObject({ foreign: 1, forged: 0, replayed: 0 });
  });

  test.each([
    ['STUN', Uint8Array.of(0, 1, 0, 0, ...new Uint8Array(16)), 'unexpected-protocol'],
    ['DTLS', Uint8Array.of(22, 254, 253, ...new Uint8Array(16)), 'unexpected-protocol'],
    ['less than a header', Uint8Array.of(0x80, 0, 1), 'malformed'],
    ['RTP with more CSRCs than bytes', Uint8Array.of(0x8f, 0, ...new Uint8Array(20)), 'malformed'],
    ['RTP protected with another key', new Peer('198.51.100.9', 9, suite).protectRtp(rtp({ sequence: 1 })), 'forged'],
  ] as const)('%s is dropped and counted', (_name, bytes, reason) => {
    const one = call();
    expect(one.bench.io.deliver(one.a.rtpPort, one.phone.at, bytes)).toEqual([]);
    expect(reportOf(one.bench.close(), one.a).dropped[reason]).toBe(1);
  });

  test('a replayed packet is dropped, from wherever it comes (RFC 3711 §3.3.2)', () => {
    const one = call();
    const wire = one.phone.protectRtp(rtp({ sequence: 1 }));
    expect(one.bench.io.deliver(one.a.rtpPort, one.phone.at, wire)).toHaveLength(1);
    expect(one.bench.io.deliver(one.a.rtpPort, one.phone.at, wire)).toEqual([]);
    expect(reportOf(one.bench.close(), one.a).dropped.replayed).toBe(1);
  });

  test('payload types are renamed on the way, the marker stays', () => {
    const one = call();
    one.bench.setRemote(one.a, one.phone.remote({ payloadTypes: [[96, 101]] }));
    one.bench.setRemote(one.b, one.pbx.remote({ payloadTypes: [[101, 96]] }));
    const event = rtp({ sequence: 1, payloadType: 96, marker: true });
    expect(fromPhone(one, event)[0]?.bytes[1]).toBe(0x80 | 101);
    expect(fromPhone(one, rtp({ sequence: 2, payloadType: 8 }))[0]?.bytes[1]).toBe(8);
    expect(one.phone.receiveRtp(fromPbx(one, rtp({ sequence: 1, payloadType: 101 }))[0])[1]).toBe(96);
  });

  test('nothing is sent before both sides are known', () => {
    const bench = new RelayBench();
    const [a, b] = bench.open([{}, {}]);
    if (a === undefined || b === undefined) throw new Error('not opened');
    const pbx = new Peer(pbxAt, 30_000);
    expect(bench.io.deliver(b.rtpPort, pbx.at, rtp({ sequence: 1 }))).toEqual([]);
    bench.setRemote(b, pbx.remote());
    expect(bench.io.deliver(b.rtpPort, pbx.at, rtp({ sequence: 2 }))).toEqual([]);
    bench.join(a, b);
    expect(bench.io.deliver(b.rtpPort, pbx.at, rtp({ sequence: 3 }))).toEqual([]);
    expect(reportOf(bench.close(), b).dropped).toMatchObject({ 'not-ready': 1, 'not-joined': 2 });
  });
});

describe('direction (RFC 3264 §8.4)', () => {
  test('what is held is neither sent nor taken, and goes on after it', () => {
    const one = call();
    one.bench.setRemote(one.a, one.phone.remote({ sending: false, receiving: false }));
    expect(fromPbx(one, rtp({ sequence: 1 }))).toEqual([]);
    expect(fromPhone(one, rtp({ sequence: 1 }))).toEqual([]);
    one.bench.setRemote(one.a, one.phone.remote());
    expect(one.phone.receiveRtp(fromPbx(one, rtp({ sequence: 2 }))[0])).toEqual(rtp({ sequence: 2 }));
    expect(fromPhone(one, rtp({ sequence: 2 }))).toHaveLength(1);
    const reports = one.bench.close();
    expect(reportOf(reports, one.b).dropped.held).toBe(1);
    expect(reportOf(reports, one.a).dropped.held).toBe(1);
  });

  test('RTCP flows while RTP is held', () => {
    const one = call();
    one.bench.setRemote(one.a, one.phone.remote({ sending: false, receiving: false }));
    expect(fromPbx(one, senderReport(1, 2))).toHaveLength(1);
  });

  test('roll-over counters keep up while the phone is on hold', () => {
    const one = call();
    fromPhone(one, rtp({ sequence: 0xff00 }));
    one.bench.setRemote(one.a, one.phone.remote({ receiving: false }));
    for (let sequence = 0xff01; sequence < 0x1_9000; sequence += 64) fromPhone(one, rtp({ sequence }));
    one.bench.setRemote(one.a, one.phone.remote());
    expect(fromPhone(one, rtp({ sequence: 0x1_9001 }))).toHaveLength(1);
  });
});

describe('SSRCs towards a protected peer (RFC 3711 §9.1)', () => {
  /** A phone at a, and two early dialogs b and c of the PBX side. */
  function fork() {
    const bench = new RelayBench();
    const [a, b, c] = bench.open([{}, {}, {}]);
    if (a === undefined || b === undefined || c === undefined) throw new Error('three endpoints were asked for');
    const phone = new Peer(phoneAt, 4000, suite);
    const [first, second] = [new Peer(pbxAt, 30_000), new Peer(pbxAt, 30_002)];
    bench.setRemote(a, phone.remote());
    bench.setRemote(b, first.remote());
    bench.setRemote(c, second.remote());
    bench.join(a, b);
    return { bench, phone, a, b, c, first, second };
  }

  test('two early dialogs with the same SSRC and sequence leave under two SSRCs', () => {
    const { bench, phone, a, b, c, first, second } = fork();
    const packet = rtp({ sequence: 100, ssrc: 0xabcd });
    const early = phone.receiveRtp(bench.io.deliver(b.rtpPort, first.at, packet)[0]);
    expect(ssrcOf(early)).toBe(0xabcd);
    bench.join(a, c);
    expect(bench.io.deliver(b.rtpPort, first.at, rtp({ sequence: 101, ssrc: 0xabcd }))).toEqual([]);
    const other = phone.receiveRtp(bench.io.deliver(c.rtpPort, second.at, packet)[0]);
    expect(ssrcOf(other)).not.toBe(0xabcd);
    expect(sequenceOf(other)).toBe(100);
    const next = phone.receiveRtp(bench.io.deliver(c.rtpPort, second.at, rtp({ sequence: 101, ssrc: 0xabcd }))[0]);
    expect(ssrcOf(next)).toBe(ssrcOf(other));
  });

  test('joining the first again is another source again', () => {
    const { bench, phone, a, b, c, first } = fork();
    const send = (sequence: number) =>
      ssrcOf(phone.receiveRtp(bench.io.deliver(b.rtpPort, first.at, rtp({ sequence, ssrc: 0xabcd }))[0]));
    const before = send(100);
    bench.join(a, c);
    bench.join(a, b);
    expect(send(100)).not.toBe(before);
  });

  test('RTCP names the SSRCs that each side knows', () => {
    const { bench, phone, a, b, c, first, second } = fork();
    bench.io.deliver(b.rtpPort, first.at, rtp({ sequence: 1, ssrc: 0xabcd }));
    bench.join(a, c);
    const renamed = ssrcOf(
      phone.receiveRtp(bench.io.deliver(c.rtpPort, second.at, rtp({ sequence: 1, ssrc: 0xabcd }))[0]),
    );
    // The PBX speaks as 0xabcd about the phone's 0x77.
    const toPhone = phone.receiveRtcp(bench.io.deliver(c.rtpPort, second.at, senderReport(0xabcd, 0x77))[0]);
    expect(toPhone).toEqual(senderReport(renamed, 0x77));
    // The phone speaks about what it hears.
    const about = phone.protectRtcp(senderReport(0x77, renamed));
    expect(bench.io.deliver(a.rtpPort, phone.at, about)[0]?.bytes).toEqual(senderReport(0x77, 0xabcd));
  });

  test('a source that starts its numbering again gets a new SSRC after two packets, and no index is used twice', () => {
    const one = call();
    const send = (sequence: number) => fromPbx(one, rtp({ sequence, ssrc: 9 }));
    for (const sequence of [20_000, 20_001]) one.phone.receiveRtp(send(sequence)[0]);
    expect(send(5_000)).toEqual([]);
    const restarted = one.phone.receiveRtp(send(5_001)[0]);
    expect(ssrcOf(restarted)).not.toBe(9);
    expect(ssrcOf(one.phone.receiveRtp(send(5_002)[0]))).toBe(ssrcOf(restarted));
    expect(reportOf(one.bench.close(), one.b).dropped['index-reuse']).toBe(1);
  });

  test('late packets one by one among good ones are no restart', () => {
    const one = call();
    const send = (sequence: number) => fromPbx(one, rtp({ sequence, ssrc: 9 }));
    for (const sequence of [20_000, 5_000, 20_001, 5_001, 20_002, 5_002]) send(sequence);
    expect(ssrcOf(one.phone.receiveRtp(send(20_003)[0]))).toBe(9);
    expect(reportOf(one.bench.close(), one.b).dropped['index-reuse']).toBe(3);
  });

  test('packets that the PBX repeats are sent once, and are no restart', () => {
    const one = call();
    const send = (sequence: number) => fromPbx(one, rtp({ sequence, ssrc: 9 }));
    for (const sequence of [1, 1, 2, 2, 3, 3]) send(sequence);
    expect(ssrcOf(one.phone.receiveRtp(send(4)[0]))).toBe(9);
    expect(reportOf(one.bench.close(), one.b).dropped['index-reuse']).toBe(3);
  });

  test('plain RTP keeps its SSRC whoever is joined', () => {
    const one = call();
    expect(ssrcOf(fromPhone(one, rtp({ sequence: 1, ssrc: 5 }))[0]?.bytes ?? new Uint8Array(12))).toBe(5);
    const [c] = one.bench.open([{}], 2);
    expect(c).toBeDefined();
  });
});

describe('keys', () => {
  test('the same key again keeps roll-over counters and replay state', () => {
    const one = call();
    const wire = one.phone.protectRtp(rtp({ sequence: 0xfff0 }));
    one.bench.io.deliver(one.a.rtpPort, one.phone.at, wire);
    fromPhone(one, rtp({ sequence: 0x1_0005 }));
    one.bench.setRemote(one.a, one.phone.remote());
    expect(one.bench.io.deliver(one.a.rtpPort, one.phone.at, wire)).toEqual([]);
    expect(fromPhone(one, rtp({ sequence: 0x1_0006 }))).toHaveLength(1);
  });

  test('a new key takes effect, and the old one is worth nothing any more', () => {
    const one = call();
    fromPhone(one, rtp({ sequence: 1 }));
    const rekeyed = new Peer(phoneAt, 4000, 'AES_CM_128_HMAC_SHA1_32');
    one.bench.setRemote(one.a, rekeyed.remote());
    expect(fromPhone(one, rtp({ sequence: 2 }))).toEqual([]);
    expect(one.bench.io.deliver(one.a.rtpPort, one.phone.at, rekeyed.protectRtp(rtp({ sequence: 3 })))).toHaveLength(1);
    expect(rekeyed.receiveRtp(fromPbx(one, rtp({ sequence: 1 }))[0])).toEqual(rtp({ sequence: 1 }));
  });

  test('after a wrap a new key comes with a fresh SSRC, which every peer understands', () => {
    const one = call();
    for (const sequence of [0xffff, 0x1_0000]) one.phone.receiveRtp(fromPbx(one, rtp({ sequence, ssrc: 9 }))[0]);
    const rekeyed = new Peer(phoneAt, 4002, suite);
    one.bench.setRemote(one.a, rekeyed.remote());
    const packet = rekeyed.receiveRtp(fromPbx(one, rtp({ sequence: 0x1_0001, ssrc: 9 }))[0]);
    expect(ssrcOf(packet)).not.toBe(9);
  });

  test('a key of the wrong length is refused, and the old one goes on', () => {
    const one = call();
    const { receive, ...rest } = one.phone.remote();
    if (receive === undefined) throw new Error('the phone has a key');
    const remote = { ...rest, receive: { ...receive, masterKey: new Uint8Array(15) } };
    const outcome = one.bench.send({ type: 'set-remote', endpoint: one.a.endpoint, remote });
    expect(outcome).toMatchObject({ type: 'error', error: { code: 'bad-key' } });
    expect(fromPhone(one, rtp({ sequence: 1 }))).toHaveLength(1);
  });

  test('keys are wiped from the command that brought them', () => {
    const one = call();
    const remote = new Peer(phoneAt, 4100, suite).remote();
    one.bench.setRemote(one.a, remote);
    expect(remote.receive?.masterKey.every((byte) => byte === 0)).toBe(true);
    expect(remote.send?.masterSalt.every((byte) => byte === 0)).toBe(true);
  });
});

describe('RTCP', () => {
  test('is relayed with SRTCP on one side and plain on the other, names concealed (RFC 3711 §3.4)', () => {
    const one = call();
    const [toPbx] = one.bench.io.deliver(
      one.a.rtpPort,
      one.phone.at,
      one.phone.protectRtcp(compound(senderReport(1, 2), cname(1, 'bob@10.0.0.8'))),
    );
    expect(toPbx?.bytes.subarray(0, 52)).toEqual(senderReport(1, 2));
    expect(Buffer.from(toPbx?.bytes ?? []).toString('latin1')).not.toContain('10.0.0.8');
    const toPhone = one.phone.receiveRtcp(fromPbx(one, senderReport(2, 1))[0]);
    expect(toPhone).toEqual(senderReport(2, 1));
  });

  test('has sockets and addresses of its own where it is not multiplexed (RFC 3550 §11)', () => {
    const bench = new RelayBench();
    const [a, b] = bench.open([{ rtcpMux: false }, { rtcpMux: true }]);
    if (a?.rtcpPort === undefined || b === undefined) throw new Error('not opened');
    expect(a.rtpPort % 2).toBe(0);
    expect(a.rtcpPort).toBe(a.rtpPort + 1);
    const pbx = new Peer(pbxAt, 30_000);
    const other = new Peer(pbxAt, 40_000);
    bench.setRemote(a, pbx.remote({ rtcp: { address: pbxAt, port: 30_001 } }));
    bench.setRemote(b, other.remote());
    bench.join(a, b);
    const report = rtcpPacket(0, 201, [1]);
    const [outward] = bench.io.deliver(b.rtpPort, other.at, report);
    expect(outward).toMatchObject({ from: `${localAddress}:${a.rtcpPort}`, to: `${pbxAt}:30001` });
    const [inward] = bench.io.deliver(a.rtcpPort, { address: pbxAt, port: 30_001 }, report);
    expect(inward).toMatchObject({ from: `${localAddress}:${b.rtpPort}`, to: `${pbxAt}:40000` });
    expect(bench.io.deliver(a.rtcpPort, { address: pbxAt, port: 30_001 }, rtp({ sequence: 1 }))).toEqual([]);
  });

  test('malformed RTCP and RTCP of strangers is dropped', () => {
    const one = call();
    expect(fromPbx(one, senderReport(1, 2).subarray(0, 40))).toEqual([]);
    expect(fromPbx(one, senderReport(1, 2), stranger)).toEqual([]);
    expect(reportOf(one.bench.close(), one.b).dropped).toMatchObject({ malformed: 1, foreign: 1 });
  });
});

describe('silence', () => {
  test('of both sides for the whole time is reported once, and again after packets came', () => {
    const one = call();
    one.bench.advance(29_000);
    fromPbx(one, rtp({ sequence: 1 }));
    one.bench.advance(29_000);
    expect(one.bench.events).toEqual([expect.objectContaining({ type: 'latched' })]);
    one.bench.advance(2_000);
    one.bench.advance(60_000);
    expect(one.bench.events.filter(({ type }) => type === 'timeout')).toHaveLength(1);
    fromPbx(one, rtp({ sequence: 2 }));
    one.bench.advance(31_000);
    expect(one.bench.events.filter(({ type }) => type === 'timeout')).toHaveLength(2);
  });

  test('of one side alone is none (a muted phone is not a dead one)', () => {
    const one = call();
    for (let sequence = 0; sequence < 10; sequence++) {
      fromPbx(one, rtp({ sequence }));
      one.bench.advance(10_000);
    }
    expect(one.bench.events.map(({ type }) => type)).not.toContain('timeout');
  });

  test('does not count while paused, while nobody is joined, nor made up for by forged packets', () => {
    const one = call();
    one.bench.send({ type: 'pause-timeout', isPaused: true });
    one.bench.advance(120_000);
    expect(one.bench.events).toEqual([]);
    one.bench.send({ type: 'pause-timeout', isPaused: false });
    one.bench.advance(20_000);
    one.bench.io.deliver(one.a.rtpPort, stranger, Uint8Array.from([...rtp({ sequence: 1 }), ...new Uint8Array(10)]));
    one.bench.advance(11_000);
    expect(one.bench.events).toEqual([{ type: 'timeout' }]);
    const bench = new RelayBench();
    bench.open([{}]);
    bench.advance(120_000);
    expect(bench.events).toEqual([]);
  });

  test('is no reason with a time-out of 0', () => {
    const one = call(new RelayBench({ timeout: 0 }));
    one.bench.advance(300_000);
    expect(one.bench.events).toEqual([]);
  });
});

describe('sessions', () => {
  test('closing returns every socket, port and address, and a report of all endpoints', () => {
    const bench = new RelayBench();
    for (let round = 0; round < 200; round++) {
      const one = call(bench);
      fromPhone(one, rtp({ sequence: 1 }));
      bench.send({ type: 'close-endpoints', endpoints: [one.b.endpoint] });
      expect(bench.close().map(({ endpoint }) => endpoint)).toEqual([one.b.endpoint, one.a.endpoint]);
      expect(bench.io.openSockets).toEqual([]);
      bench.advance(30_000);
    }
    expect(bench.portsInUse).toBe(0);
  });

  test('closing endpoints with RTCP sockets of their own returns these as well', () => {
    const bench = new RelayBench();
    for (let round = 0; round < 200; round++) {
      bench.open([{ rtcpMux: false }]);
      bench.close();
      expect(bench.io.openSockets).toEqual([]);
      bench.advance(30_000);
    }
  });

  test('a closed endpoint is joined to nobody, and its partner sends to nobody', () => {
    const one = call();
    one.bench.send({ type: 'close-endpoints', endpoints: [one.a.endpoint] });
    expect(fromPbx(one, rtp({ sequence: 1 }))).toEqual([]);
    expect(reportOf(one.bench.close(), one.b).dropped['not-joined']).toBe(1);
  });

  test('what does not exist is refused and changes nothing', () => {
    const one = call();
    const refused = (command: Parameters<RelayBench['send']>[0], session = 1) => one.bench.send(command, session);
    const unknown = { type: 'error', error: { code: 'unknown-endpoint' } };
    expect(refused({ type: 'join', a: one.a.endpoint, b: 99 })).toMatchObject(unknown);
    expect(refused({ type: 'join', a: one.a.endpoint, b: one.a.endpoint })).toMatchObject(unknown);
    expect(refused({ type: 'close-endpoints', endpoints: [one.a.endpoint, 99] })).toMatchObject(unknown);
    expect(refused({ type: 'set-remote', endpoint: 99, remote: one.pbx.remote() })).toMatchObject(unknown);
    expect(refused({ type: 'join', a: 1, b: 2 }, 7)).toMatchObject({ error: { code: 'unknown-session' } });
    expect(fromPhone(one, rtp({ sequence: 1 }))).toHaveLength(1);
  });

  test('an address of the other family, or none, is refused', () => {
    const one = call();
    for (const address of ['2001:db8::1', 'example.com', '']) {
      const remote = one.pbx.remote({ rtp: { address, port: 5 } });
      const outcome = one.bench.send({ type: 'set-remote', endpoint: one.b.endpoint, remote });
      expect(outcome).toMatchObject({ type: 'error', error: { code: 'address-not-available' } });
    }
    expect(fromPhone(one, rtp({ sequence: 1 }))).toHaveLength(1);
  });

  test('IPv6 on one side and IPv4 on the other', () => {
    const bench = new RelayBench();
    const [a, b] = bench.open([{ address: '2001:db8::1' }, {}]);
    if (a === undefined || b === undefined) throw new Error('not opened');
    const phone = new Peer('2001:db8::99', 4000, suite);
    const pbx = new Peer(pbxAt, 30_000);
    bench.setRemote(a, phone.remote());
    bench.setRemote(b, pbx.remote());
    bench.join(a, b);
    const [inward] = bench.io.deliver(b.rtpPort, pbx.at, rtp({ sequence: 1 }));
    expect(inward?.to).toBe('[2001:db8::99]:4000');
    expect(phone.receiveRtp(inward)).toEqual(rtp({ sequence: 1 }));
  });

  test('endpoints of one session are bounded', () => {
    const bench = new RelayBench({ ports: { first: 20_000, last: 21_999 } });
    bench.open(Array.from({ length: mostEndpoints }, () => ({})));
    expect(bench.openMore([{}])).toMatchObject({ ok: false, error: { code: 'too-many-endpoints' } });
  });

  test('what a session is told while its sockets are opened comes after that, in order', () => {
    const bench = new RelayBench();
    bench.io.delayed = [];
    bench.send({ type: 'open-session' });
    const endpoints = [{ endpoint: 1, address: localAddress, rtpPort: 20_000, rtcpPort: 20_001 }];
    bench.send({ type: 'open-endpoints', endpoints });
    bench.send({ type: 'set-remote', endpoint: 1, remote: new Peer(pbxAt, 30_000).remote() });
    expect(bench.send({ type: 'close-session' })).toBeUndefined();
    for (let answer = bench.io.delayed.shift(); answer !== undefined; answer = bench.io.delayed.shift()) answer();
    expect(bench.messages).toMatchObject([{ type: 'reply', outcome: { report: { endpoints: [{ endpoint: 1 }] } } }]);
    expect(bench.io.openSockets).toEqual([]);
    expect(bench.portsInUse).toBe(0);
  });

  test('totals outlive the sessions that made them', () => {
    const one = call();
    fromPhone(one, rtp({ sequence: 1 }));
    fromPbx(one, rtp({ sequence: 1 }), stranger);
    one.bench.close();
    one.bench.advance(1_100);
    expect(one.bench.messages.at(-1)).toMatchObject({
      type: 'stats',
      stats: {
        received: { packets: 1, bytes: 182 },
        sent: { packets: 1, bytes: 172 },
        dropped: { foreign: 1 },
        sessions: 0,
      },
    });
  });

  test('a mistake of ours that one packet or command meets is counted and told, and the others go on', () => {
    const one = call();
    const broken = {
      endpoint: 3,
      rtpPort: 20_000,
      rtcpPort: undefined,
      get address(): string {
        throw new Error('broken');
      },
    };
    expect(one.bench.send({ type: 'open-endpoints', endpoints: [broken] })).toMatchObject({
      type: 'error',
      error: { code: 'internal' },
    });
    one.bench.io.breakNextSend = true;
    expect(fromPhone(one, rtp({ sequence: 1 }))).toEqual([]);
    expect(fromPhone(one, rtp({ sequence: 2 }))).toHaveLength(1);
    expect(one.bench.messages.filter(({ type }) => type === 'fault')).toHaveLength(1);
    one.bench.advance(1_100);
    expect(one.bench.messages.at(-1)).toMatchObject({ type: 'stats', stats: { faults: 2 } });
  });
});
