import { describe, expect, test } from 'vitest';
import { fingerprintOf } from '../../../../src/media/dtls/fingerprint.ts';
import { srtpKeysOf } from '../../../../src/media/dtls/srtp-keys.ts';
import type { OpenedEndpoint } from '../../../../src/media/plane/messages.ts';
import { formatLedger, IndexLedger, LedgerPast, ledgerBytes } from '../../../../src/media/srtp/index-ledger.ts';
import { KeyVault } from '../../../../src/media/srtp/key-vault.ts';
import { clientHello, cookieIn, fakeMaterial, finished } from '../../../support/fake-dtls.ts';
import { SeededRandom } from '../../../support/fake-time.ts';
import { Peer, RelayBench } from '../../../support/relay-bench.ts';
import { rtp, senderReport } from '../../../support/rtp-packets.ts';

const suite = 'AES_CM_128_HMAC_SHA1_80';
const certificate = Uint8Array.of(1, 2, 3);
const phoneAt = { address: '198.51.100.7', port: 4000 };
const rtcpAt = { address: '198.51.100.7', port: 4001 };
const pbxAt = { address: '10.0.0.5', port: 30_000 };
const pbxRtcpAt = { address: '10.0.0.5', port: 30_001 };
const keys = () => srtpKeysOf({ suite, material: Uint8Array.from(fakeMaterial) }, 'client');

/** A phone with DTLS on ports of its own for RTP and RTCP, and a PBX with plain RTP; and the process that follows. */
class Call {
  readonly #ledger = new ArrayBuffer(ledgerBytes(64));
  readonly first: RelayBench;
  readonly a: OpenedEndpoint;
  readonly b: OpenedEndpoint;
  readonly phone = new Peer(phoneAt.address, phoneAt.port, suite, keys);
  /** RTCP is keyed by another handshake: contexts of its own. */
  readonly control = new Peer(rtcpAt.address, rtcpAt.port, suite, keys);
  readonly pbx = new Peer(pbxAt.address, pbxAt.port);

  constructor() {
    formatLedger(new Uint8Array(this.#ledger), new Uint8Array(16));
    this.first = this.#start();
    const [a, b] = this.first.open([{ rtcpMux: false }, { rtcpMux: false }]);
    if (a === undefined || b === undefined) throw new Error('two endpoints were asked for');
    [this.a, this.b] = [a, b];
    this.first.setRemote(a, this.remote('one'));
    this.first.setRemote(b, this.pbx.remote({ rtcp: pbxRtcpAt }));
    this.first.join(a, b);
  }

  remote(association: string) {
    const dtls = { role: 'server', association, fingerprints: [fingerprintOf(certificate, 'sha-256')] } as const;
    const none = { receive: undefined, send: undefined, latching: { kind: 'authenticated' } } as const;
    return this.phone.remote({ ...none, dtls, rtcp: rtcpAt });
  }

  shake(bench: RelayBench, port: number | undefined, from: typeof phoneAt): void {
    const [answer] = bench.io.deliver(port ?? 0, from, clientHello(7));
    bench.io.deliver(port ?? 0, from, clientHello(7, cookieIn(answer?.bytes)));
    bench.io.deliver(port ?? 0, from, finished(certificate));
  }

  /** The next process, from a snapshot of the first. */
  next(): RelayBench {
    const outcome = this.first.send({ type: 'snapshot' });
    if (outcome?.type !== 'snapshot') throw new Error(JSON.stringify(outcome));
    const bench = this.#start();
    expect(bench.send({ type: 'resume-session', snapshot: outcome.snapshot })).toEqual({ type: 'done' });
    return bench;
  }

  #start(): RelayBench {
    const past = new LedgerPast();
    past.add(new Uint8Array(this.#ledger.slice(0)));
    const vault = new KeyVault(new Uint8Array(32).fill(9), new SeededRandom(3));
    return new RelayBench({}, { ledger: new IndexLedger(this.#ledger, past), vault });
  }
}

describe('a DTLS-SRTP call that goes on in another process (RFC 5764 §4.2)', () => {
  test('keeps the keys of its handshakes for RTP and RTCP, uses no index twice, and shakes no hands', () => {
    const call = new Call();
    call.shake(call.first, call.a.rtpPort, phoneAt);
    call.shake(call.first, call.a.rtcpPort, rtcpAt);
    const [before] = call.first.io.deliver(call.b.rtpPort, pbxAt, rtp({ sequence: 1 }));
    call.phone.receiveRtp(before);
    const next = call.next();
    expect(next.io.deliver(call.b.rtpPort, pbxAt, rtp({ sequence: 1 }))).toEqual([]);
    const [after] = next.io.deliver(call.b.rtpPort, pbxAt, rtp({ sequence: 2 }));
    expect(call.phone.receiveRtp(after)).toEqual(rtp({ sequence: 2 }));
    expect(next.io.deliver(call.a.rtpPort, phoneAt, call.phone.protectRtp(rtp({ sequence: 1 })))).toHaveLength(1);
    const report = senderReport(1, 2);
    expect(next.io.deliver(call.a.rtcpPort ?? 0, rtcpAt, call.control.protectRtcp(report))).toHaveLength(1);
    next.setRemote(call.a, call.remote('one'));
    expect(next.io.deliver(call.a.rtpPort, phoneAt, call.phone.protectRtp(rtp({ sequence: 2 })))).toHaveLength(1);
    expect(next.dtls.opened).toEqual([]);
  });

  test('whose RTCP was not keyed yet takes and sends none in clear, and is keyed there', () => {
    const call = new Call();
    call.shake(call.first, call.a.rtpPort, phoneAt);
    const next = call.next();
    const report = senderReport(1, 2);
    expect(next.io.deliver(call.a.rtcpPort ?? 0, rtcpAt, report)).toEqual([]);
    expect(next.io.deliver(call.b.rtcpPort ?? 0, pbxRtcpAt, report)).toEqual([]);
    call.shake(next, call.a.rtcpPort, rtcpAt);
    expect(next.io.deliver(call.a.rtcpPort ?? 0, rtcpAt, call.control.protectRtcp(report))).toHaveLength(1);
    const [sent] = next.io.deliver(call.b.rtcpPort ?? 0, pbxRtcpAt, report);
    expect(call.control.receiveRtcp(sent)).toHaveLength(report.length);
  });

  test('whose handshake was not over begins it anew, and another association in a re-INVITE does too', () => {
    const call = new Call();
    const next = call.next();
    expect(next.io.deliver(call.b.rtpPort, pbxAt, rtp({ sequence: 1 }))).toEqual([]);
    call.shake(next, call.a.rtpPort, phoneAt);
    expect(next.io.deliver(call.b.rtpPort, pbxAt, rtp({ sequence: 1 }))).toHaveLength(1);
    next.setRemote(call.a, call.remote('two'));
    call.shake(next, call.a.rtpPort, phoneAt);
    expect(next.dtls.opened).toHaveLength(2);
  });

  test('whose second handshake was not over goes on by the keys of the first until it is (RFC 8842 §5.2)', () => {
    const call = new Call();
    call.shake(call.first, call.a.rtpPort, phoneAt);
    call.first.setRemote(call.a, call.remote('two'));
    const next = call.next();
    expect(next.io.deliver(call.a.rtpPort, phoneAt, call.phone.protectRtp(rtp({ sequence: 1 })))).toHaveLength(1);
    const [sent] = next.io.deliver(call.b.rtpPort, pbxAt, rtp({ sequence: 1 }));
    expect(call.phone.receiveRtp(sent).subarray(12)).toEqual(rtp({ sequence: 1 }).subarray(12));
    call.shake(next, call.a.rtpPort, phoneAt);
    expect(next.dtls.opened).toHaveLength(1);
  });

  test('whose second handshake is with another certificate takes nothing under the keys of the first', () => {
    const call = new Call();
    call.shake(call.first, call.a.rtpPort, phoneAt);
    const remote = call.remote('two');
    const other = { ...remote.dtls, fingerprints: [fingerprintOf(Uint8Array.of(9), 'sha-256')] } as const;
    call.first.setRemote(call.a, { ...remote, dtls: { ...other, role: 'server', association: 'two' } });
    const next = call.next();
    expect(next.io.deliver(call.a.rtpPort, phoneAt, call.phone.protectRtp(rtp({ sequence: 1 })))).toEqual([]);
    expect(next.io.deliver(call.b.rtpPort, pbxAt, rtp({ sequence: 1 }))).toEqual([]);
  });
});
