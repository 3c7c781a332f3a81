import { describe, expect, test } from 'vitest';
import type { HeaderCapture, OpenedEndpoint } from '../../../../src/media/plane/messages.ts';
import { headerNotesLimits, readHeaders } from '../../../../src/media/rtp/packet-headers.ts';
import { MediaCaptures } from '../../../../src/observe/trace/media-captures.ts';
import { Peer, RelayBench } from '../../../support/relay-bench.ts';
import { compound, rtp, senderReport } from '../../../support/rtp-packets.ts';

const suite = 'AES_CM_128_HMAC_SHA1_80';

class NotedCall {
  readonly bench: RelayBench;
  readonly phone = new Peer('198.51.100.7', 4000, suite);
  readonly pbx = new Peer('192.0.2.50', 30_000);
  readonly a: OpenedEndpoint;
  readonly b: OpenedEndpoint;
  #sequence = 0;

  constructor(headerPackets: number) {
    this.bench = new RelayBench({ headerPackets });
    const [a, b] = this.bench.open([{}, {}]);
    if (a === undefined || b === undefined) throw new Error('two endpoints were asked for');
    [this.a, this.b] = [a, b];
    this.bench.setRemote(a, this.phone.remote());
    this.bench.setRemote(b, this.pbx.remote());
    this.bench.join(a, b);
  }

  fromPhone(): void {
    this.#sequence += 1;
    const packet = this.phone.protectRtp(rtp({ sequence: this.#sequence, payload: new Uint8Array(160).fill(0x5e) }));
    this.bench.io.deliver(this.a.rtpPort, this.phone.at, packet);
  }

  captures(): readonly HeaderCapture[] {
    const outcome = this.bench.send({ type: 'report' });
    return outcome?.type === 'report' ? (outcome.report.captures ?? []) : [];
  }
}

describe('headers of media', () => {
  test('are noted of the first packets each way: as they were on the wire, without what was said', () => {
    const call = new NotedCall(3);
    for (let count = 0; count < 10; count += 1) call.fromPhone();
    const [a, b] = call.captures();
    const received = readHeaders(a?.received ?? new Uint8Array());
    const sent = readHeaders(b?.sent ?? new Uint8Array());
    expect(received.map(({ kind, length, header }) => [kind, length, header.length])).toEqual(
      Array(3).fill(['rtp', 12 + 160 + 10, 12]),
    );
    expect(sent.map(({ length }) => length)).toEqual(Array(3).fill(12 + 160));
    expect(received.map(({ header }) => (header[2] ?? 0) * 256 + (header[3] ?? 0))).toEqual([1, 2, 3]);
    expect(a).toMatchObject({
      endpoint: call.a.endpoint,
      local: { address: '192.0.2.1', port: call.a.rtpPort },
      remote: { address: '198.51.100.7', port: 4000 },
    });
    for (const { received: bytes, sent: others } of call.captures()) {
      expect(Buffer.concat([bytes, others]).includes(Buffer.alloc(3, 0x5e))).toBe(false);
    }
  });

  test('of RTCP end at the first SSRC, which SRTCP leaves readable', () => {
    const call = new NotedCall(3);
    const report = call.phone.protectRtcp(compound(senderReport(0x11223344, 5)));
    call.bench.io.deliver(call.a.rtpPort, call.phone.at, report);
    const [noted] = readHeaders(call.captures()[0]?.received ?? new Uint8Array());
    expect(noted).toMatchObject({ kind: 'rtcp', length: report.length });
    expect(noted?.header).toEqual(report.subarray(0, 8));
  });

  test('are noted anew when something is agreed anew, and not for ever', () => {
    const call = new NotedCall(2);
    for (let round = 0; round < 10; round += 1) {
      for (let count = 0; count < 5; count += 1) call.fromPhone();
      call.bench.setRemote(call.a, call.phone.remote());
    }
    const received = readHeaders(call.captures()[0]?.received ?? new Uint8Array());
    expect(received).toHaveLength(2 * headerNotesLimits.rounds);
    expect(received.map(({ header }) => header[3])).toEqual([1, 2, 6, 7, 11, 12, 16, 17]);
  });

  test('of a forged packet are none, and none are noted where it is off', () => {
    const call = new NotedCall(3);
    call.bench.io.deliver(call.a.rtpPort, call.phone.at, rtp({ sequence: 1 }));
    expect(call.captures()).toEqual([]);
    const off = new NotedCall(0);
    off.fromPhone();
    expect(off.captures()).toEqual([]);
  });

  test('of an endpoint and a session that are closed are in the last report', () => {
    const call = new NotedCall(3);
    call.fromPhone();
    call.bench.send({ type: 'close-endpoints', endpoints: [call.a.endpoint] });
    const outcome = call.bench.send({ type: 'close-session' });
    const captures = outcome?.type === 'report' ? (outcome.report.captures ?? []) : [];
    expect(captures.map(({ endpoint }) => endpoint)).toEqual([call.a.endpoint, call.b.endpoint]);
  });
});

test('captures of calls that are over give way to newer ones', () => {
  const place = { address: '192.0.2.1', port: 1 };
  const capture = (bytes: number): HeaderCapture => ({
    endpoint: 1,
    local: place,
    localRtcp: place,
    remote: place,
    remoteRtcp: place,
    received: new Uint8Array(bytes),
    sent: new Uint8Array(0),
  });
  const captures = new MediaCaptures(100);
  captures.add('a', [capture(60)]);
  captures.add('b', [capture(40)]);
  expect(captures.of('a')).toHaveLength(1);
  captures.add('c', [capture(30)]);
  expect([captures.of('a'), captures.of('b'), captures.of('c')].map(({ length }) => length)).toEqual([0, 1, 1]);
  captures.add('d', [capture(101)]);
  captures.add('e', []);
  expect([captures.of('d'), captures.of('e'), captures.of('b')].map(({ length }) => length)).toEqual([0, 0, 1]);
});
