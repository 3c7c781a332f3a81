import { describe, expect, test } from 'vitest';
import type { SocketAddress } from '../../../../src/core/socket-address.ts';
import type { DtlsRole } from '../../../../src/media/dtls/dtls-connection.ts';
import { fingerprintOf } from '../../../../src/media/dtls/fingerprint.ts';
import { srtpKeysOf } from '../../../../src/media/dtls/srtp-keys.ts';
import type { EndpointRemote, OpenedEndpoint } from '../../../../src/media/plane/messages.ts';
import { broken, clientHello, cookieIn, fakeMaterial, finished } from '../../../support/fake-dtls.ts';
import { Peer, RelayBench } from '../../../support/relay-bench.ts';
import { rtp, senderReport } from '../../../support/rtp-packets.ts';

const certificate = Uint8Array.of(1, 2, 3);
const phoneAt: SocketAddress = { address: '198.51.100.7', port: 4000 };
const stranger: SocketAddress = { address: '203.0.113.66', port: 5555 };
const suite = 'AES_CM_128_HMAC_SHA1_80';
const keysOf = (role: DtlsRole) => () => srtpKeysOf({ suite, material: Uint8Array.from(fakeMaterial) }, role);
const ours = { announced: certificate, role: 'server', association: 'one' } as const;

interface Terms {
  readonly announced?: Uint8Array;
  readonly role?: DtlsRole;
  readonly association?: string;
}

/** A phone with DTLS at endpoint a, a PBX with plain RTP at endpoint b, joined. */
class Call {
  readonly bench = new RelayBench();
  readonly pbx = new Peer('10.0.0.5', 30_000);
  readonly phone: Peer;
  readonly a: OpenedEndpoint;
  readonly b: OpenedEndpoint;

  constructor(isMuxed = true, phoneRole: DtlsRole = 'client') {
    const [a, b] = this.bench.open([{ rtcpMux: isMuxed }, {}]);
    if (a === undefined || b === undefined) throw new Error('two endpoints were asked for');
    [this.a, this.b] = [a, b];
    this.phone = new Peer(phoneAt.address, phoneAt.port, suite, keysOf(phoneRole));
    this.bench.setRemote(b, this.pbx.remote());
    this.bench.join(a, b);
  }

  signal(terms: Terms = {}, changes: Partial<EndpointRemote> = {}): void {
    const { announced, role, association } = { ...ours, ...terms };
    const dtls = { role, association, fingerprints: [fingerprintOf(announced, 'sha-256')] };
    const keys = { receive: undefined, send: undefined, latching: { kind: 'authenticated' } } as const;
    this.bench.setRemote(this.a, this.phone.remote({ ...keys, dtls, ...changes }));
  }

  hello(random: number, source = phoneAt, port = this.a.rtpPort): Uint8Array | undefined {
    const [answer] = this.bench.io.deliver(port, source, clientHello(random));
    return cookieIn(answer?.bytes);
  }

  begin(random: number, source = phoneAt, port = this.a.rtpPort): boolean {
    const cookie = this.hello(random, source, port);
    if (cookie === undefined) return false;
    return this.bench.io.deliver(port, source, clientHello(random, cookie)).length > 0;
  }

  finish(source = phoneAt, shown = certificate, port = this.a.rtpPort): void {
    this.bench.io.deliver(port, source, finished(shown));
  }

  /** Whether a packet of the phone reaches the PBX, and one of the PBX the phone. */
  flows(sequence: number, source = phoneAt): readonly [toPbx: boolean, toPhone: string | undefined] {
    const packet = rtp({ sequence });
    const toPbx = this.bench.io.deliver(this.a.rtpPort, source, this.phone.protectRtp(packet)).length > 0;
    const [toPhone] = this.bench.io.deliver(this.b.rtpPort, this.pbx.at, packet);
    return [toPbx, toPhone?.to];
  }

  dropped(): Readonly<Record<string, number>> {
    const report = this.bench.close().find(({ endpoint }) => endpoint === this.a.endpoint);
    return report?.dropped ?? {};
  }
}

const text = ({ address, port }: SocketAddress): string => `${address}:${port}`;

describe('DTLS-SRTP as server (RFC 5764)', () => {
  test('nothing flows before the handshake, everything after it, and the report names the suite', () => {
    const call = new Call();
    call.signal();
    expect(call.flows(1)).toEqual([false, undefined]);
    expect(call.begin(7)).toBe(true);
    expect(call.flows(2)).toEqual([false, undefined]);
    call.finish();
    expect(call.flows(3)).toEqual([true, text(phoneAt)]);
    const report = call.bench.close().find(({ endpoint }) => endpoint === call.a.endpoint);
    expect(report).toMatchObject({
      suite,
      received: { packets: 1 },
      sent: { packets: 1 },
      dropped: { 'not-keyed': 2 },
    });
  });

  test('a ClientHello without a cookie costs no state, and a cookie is good for its source only (RFC 6347 §4.2.1)', () => {
    const call = new Call();
    call.signal();
    const cookie = call.hello(7);
    expect(cookie).toHaveLength(20);
    call.bench.io.deliver(call.a.rtpPort, stranger, clientHello(7, cookie));
    call.bench.io.deliver(call.a.rtpPort, phoneAt, clientHello(8, cookie));
    expect(call.bench.dtls.opened).toEqual([]);
    call.bench.io.deliver(call.a.rtpPort, phoneAt, clientHello(7, cookie));
    expect(call.bench.dtls.opened).toHaveLength(1);
  });

  test('a phone behind NAT comes from an address that it did not signal, and gets its media there', () => {
    const call = new Call();
    call.signal({}, { rtp: { address: '192.168.1.7', port: 9 + 4000 }, awaitLatch: true });
    expect(call.begin(7, stranger)).toBe(true);
    call.finish(stranger);
    expect(call.flows(1, stranger)).toEqual([true, text(stranger)]);
  });

  test('a certificate that was not announced never yields media, and the right one afterwards does (RFC 5763 §5)', () => {
    const call = new Call();
    call.signal();
    call.begin(1, stranger);
    call.finish(stranger, Uint8Array.of(9));
    expect(call.flows(1, stranger)).toEqual([false, undefined]);
    expect(call.bench.dtls.live).toBe(0);
    call.begin(2);
    call.finish();
    expect(call.flows(2)).toEqual([true, text(phoneAt)]);
  });

  test('once verified, nobody begins again: strangers are foreign, the phone is not heard either', () => {
    const call = new Call();
    call.signal();
    call.begin(1);
    call.finish();
    expect(call.flows(1)).toEqual([true, text(phoneAt)]);
    call.bench.advance(300);
    call.bench.advance(2_000);
    const [toStranger, toPhone] = [call.hello(3, stranger), call.hello(4)];
    expect([toStranger, toPhone]).toEqual([undefined, undefined]);
    expect(call.flows(2)).toEqual([true, text(phoneAt)]);
    expect(call.bench.dtls.opened).toHaveLength(1);
    expect(call.dropped()).toMatchObject({ foreign: 1, 'unexpected-protocol': 1 });
  });

  test('a flood of strangers holds a bounded number of handshakes, and the signalled address still gets in', () => {
    const call = new Call();
    call.signal();
    for (let second = 0; second < 20; second += 1) {
      for (let index = 0; index < 300; index += 1) call.begin(index, { address: '203.0.113.9', port: 2000 + index });
      expect(call.bench.dtls.live).toBeLessThanOrEqual(7);
      call.bench.advance(1_000);
    }
    expect(call.begin(1)).toBe(true);
    call.finish();
    expect(call.bench.dtls.live).toBe(1);
    expect(call.flows(1)).toEqual([true, text(phoneAt)]);
    const dropped = call.dropped();
    expect(dropped['handshake-refused']).toBeGreaterThan(4000);
  });

  test('a handshake without an end is given up, a phone that starts over is heard', () => {
    const call = new Call();
    call.signal();
    call.begin(1);
    expect(call.begin(2)).toBe(true);
    expect(call.bench.dtls.live).toBe(1);
    call.bench.advance(16_000);
    expect(call.bench.dtls.live).toBe(0);
    expect(call.begin(3)).toBe(true);
  });

  test('the association is let go as soon as the phone has sent under its keys, else after a minute', () => {
    const call = new Call();
    call.signal();
    call.begin(1);
    call.finish();
    call.bench.advance(500);
    expect(call.bench.dtls.live).toBe(1);
    call.flows(1);
    call.bench.advance(500);
    expect(call.bench.dtls.live).toBe(0);
    const silent = new Call();
    silent.signal();
    silent.begin(1);
    silent.finish();
    silent.bench.advance(61_000);
    expect(silent.bench.dtls.live).toBe(0);
    expect(silent.flows(1)).toEqual([true, text(phoneAt)]);
  });

  test('a ClientHello that comes before the answer does is not lost (RFC 5763 §5)', () => {
    const call = new Call();
    expect(call.hello(7)).toBeUndefined();
    const before = call.bench.io.sent.length;
    call.signal();
    const cookie = cookieIn(call.bench.io.sent[before]?.bytes);
    expect(call.bench.io.sent[before]?.to).toBe(text(phoneAt));
    expect(call.bench.io.deliver(call.a.rtpPort, phoneAt, clientHello(7, cookie))).toHaveLength(1);
  });

  test('RTCP on a port of its own has a handshake and keys of its own (RFC 5764 §5.1.1)', () => {
    const call = new Call(false);
    const rtcp = { ...phoneAt, port: phoneAt.port + 1 };
    const rtcpPort = call.a.rtcpPort ?? 0;
    call.signal({}, { rtcp });
    call.begin(1);
    call.finish();
    const report = senderReport(1, 2);
    expect(call.bench.io.deliver(rtcpPort, rtcp, call.phone.protectRtcp(report))).toEqual([]);
    expect(call.begin(2, rtcp, rtcpPort)).toBe(true);
    call.finish(rtcp, certificate, rtcpPort);
    expect(call.bench.io.deliver(rtcpPort, rtcp, call.phone.protectRtcp(report))).toHaveLength(1);
    const [toPhone] = call.bench.io.deliver(call.b.rtpPort, call.pbx.at, report);
    expect(toPhone?.to).toBe(text(rtcp));
    expect(call.flows(1)).toEqual([true, text(phoneAt)]);
  });
});

describe('DTLS-SRTP as client (RFC 5763 §5)', () => {
  test('speaks first, to the signalled address, and hears nobody else', () => {
    const call = new Call(true, 'server');
    const before = call.bench.io.sent.length;
    call.signal({ role: 'client' });
    expect(call.bench.io.sent.slice(before).map(({ to, bytes }) => [to, bytes[13]])).toEqual([[text(phoneAt), 1]]);
    call.finish(stranger);
    expect(call.flows(1)).toEqual([false, undefined]);
    call.finish();
    expect(call.flows(2)).toEqual([true, text(phoneAt)]);
    expect(call.bench.dtls.live).toBe(0);
  });

  test('takes no ClientHello, whether it comes before the answer or in the handshake: who sends one has another role', () => {
    const call = new Call(true, 'server');
    call.bench.io.deliver(call.a.rtpPort, phoneAt, clientHello(5));
    call.signal({ role: 'client' });
    call.bench.io.deliver(call.a.rtpPort, phoneAt, clientHello(6));
    expect(call.bench.dtls.opened).toMatchObject([{ heard: 0 }]);
    call.finish();
    expect(call.flows(1)).toEqual([true, text(phoneAt)]);
    expect(call.dropped()).toMatchObject({ 'not-ready': 1, 'unexpected-protocol': 1 });
  });

  test('begins again after a second when the handshake was broken, by whomever', () => {
    const call = new Call(true, 'server');
    call.signal({ role: 'client' });
    call.bench.io.deliver(call.a.rtpPort, phoneAt, broken);
    expect(call.bench.dtls.live).toBe(0);
    call.bench.advance(1_500);
    expect(call.bench.dtls.opened).toHaveLength(2);
    call.finish();
    expect(call.flows(1)).toEqual([true, text(phoneAt)]);
  });
});

describe('another exchange (RFC 8842 §4)', () => {
  test('the same association goes on, another one has another handshake, and the old keys serve until its end', () => {
    const call = new Call();
    call.signal();
    call.begin(1);
    call.finish();
    call.flows(1);
    call.signal();
    expect(call.flows(2)).toEqual([true, text(phoneAt)]);
    call.signal({ association: 'two' });
    expect(call.flows(3)).toEqual([true, text(phoneAt)]);
    expect(call.begin(2)).toBe(true);
    call.finish();
    expect(call.bench.dtls.opened).toHaveLength(2);
    expect(call.flows(4)).toEqual([true, text(phoneAt)]);
  });

  test('keys of another certificate are gone at once', () => {
    const call = new Call();
    call.signal();
    call.begin(1);
    call.finish();
    expect(call.flows(1)).toEqual([true, text(phoneAt)]);
    call.signal({ announced: Uint8Array.of(4, 4), association: 'two' });
    expect(call.flows(2)).toEqual([false, undefined]);
    call.begin(2);
    call.finish(phoneAt, Uint8Array.of(4, 4));
    expect(call.flows(3)).toEqual([true, text(phoneAt)]);
  });

  test('plain RTP of the peer no longer counts once DTLS was agreed', () => {
    const call = new Call();
    call.bench.setRemote(call.a, new Peer(phoneAt.address, phoneAt.port).remote());
    expect(call.bench.io.deliver(call.a.rtpPort, phoneAt, rtp({ sequence: 1 }))).toHaveLength(1);
    call.signal();
    expect(call.bench.io.deliver(call.a.rtpPort, phoneAt, rtp({ sequence: 2 }))).toEqual([]);
  });
});

test('the session is told when media is expected and no handshake ends, again and again', () => {
  const call = new Call();
  call.signal();
  call.begin(1);
  call.finish(phoneAt, Uint8Array.of(9));
  call.bench.advance(20_500);
  const failed = { type: 'keying-failed', endpoint: call.a.endpoint, reason: 'a certificate that was not announced' };
  expect(call.bench.events).toEqual([failed]);
  call.bench.advance(20_500);
  const told = call.bench.events.filter(({ type }) => type === 'keying-failed');
  expect(told).toEqual([failed, failed]);
});

test('closing the session closes every handshake, once', () => {
  const call = new Call();
  call.signal();
  for (let index = 0; index < 4; index += 1) call.begin(index, { address: '203.0.113.9', port: 2000 + index });
  call.bench.close();
  expect(call.bench.dtls.opened.map(({ closes }) => closes)).toEqual([1, 1, 1, 1]);
});
