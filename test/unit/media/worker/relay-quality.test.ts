import { describe, expect, test } from 'vitest';
import type { EndpointReport, OpenedEndpoint } from '../../../../src/media/plane/messages.ts';
import { Peer, RelayBench } from '../../../support/relay-bench.ts';
import { compound, rtcpPacket, rtp } from '../../../support/rtp-packets.ts';

const suite = 'AES_CM_128_HMAC_SHA1_80';

class QualityCall {
  readonly bench = new RelayBench();
  readonly phone = new Peer('198.51.100.7', 4000, suite);
  readonly pbx = new Peer('192.0.2.50', 30_000);
  readonly a: OpenedEndpoint;
  readonly b: OpenedEndpoint;
  #sequence = 0;

  constructor() {
    const [a, b] = this.bench.open([{}, {}]);
    if (a === undefined || b === undefined) throw new Error('two endpoints were asked for');
    this.a = a;
    this.b = b;
    this.bench.setRemote(a, this.phone.remote());
    this.bench.setRemote(b, this.pbx.remote());
    this.bench.join(a, b);
  }

  fromPhone() {
    this.#sequence += 1;
    return this.bench.io.deliver(
      this.a.rtpPort,
      this.phone.at,
      this.phone.protectRtp(rtp({ sequence: this.#sequence })),
    );
  }

  fromPbx() {
    this.#sequence += 1;
    return this.bench.io.deliver(this.b.rtpPort, this.pbx.at, rtp({ sequence: this.#sequence }));
  }

  /** Only the phone, or both, at 10 packets a second. */
  talk(seconds: number, isTwoWay = false): void {
    for (let count = 0; count < seconds * 10; count += 1) {
      this.fromPhone();
      if (isTwoWay) this.fromPbx();
      this.bench.advance(100);
    }
  }

  report(endpoint: OpenedEndpoint): EndpointReport {
    const outcome = this.bench.send({ type: 'report' });
    const found = outcome?.type === 'report' ? outcome.report.endpoints : [];
    const report = found.find((one) => one.endpoint === endpoint.endpoint);
    if (report === undefined) throw new Error('no report');
    return report;
  }
}

const oneWays = (call: QualityCall) => call.bench.events.filter(({ type }) => type === 'one-way');

describe('one-way audio', () => {
  test('the side that is silent for ten seconds while the other is heard is told once, and stands in its report', () => {
    const call = new QualityCall();
    call.talk(9);
    expect(oneWays(call)).toEqual([]);
    call.talk(15);
    expect(oneWays(call)).toEqual([{ type: 'one-way', endpoint: call.b.endpoint }]);
    expect([call.report(call.a).oneWay, call.report(call.b).oneWay]).toEqual([false, true]);
  });

  test('is not found where both are heard, or both are silent', () => {
    const call = new QualityCall();
    call.talk(20, true);
    call.bench.advance(20_000);
    call.talk(1);
    expect(oneWays(call)).toEqual([]);
  });

  test('is not found on hold, and what was silent before an answer does not count', () => {
    const call = new QualityCall();
    call.bench.setRemote(call.b, call.pbx.remote({ receiving: false }));
    call.talk(20);
    call.bench.send({ type: 'pause-timeout', isPaused: true });
    call.bench.setRemote(call.b, call.pbx.remote());
    call.talk(20);
    expect(oneWays(call)).toEqual([]);
    call.bench.send({ type: 'pause-timeout', isPaused: false });
    call.talk(9);
    expect(oneWays(call)).toEqual([]);
    call.talk(2);
    expect(oneWays(call)).toHaveLength(1);
  });
});

describe('the round trip to a peer', () => {
  const ntp = [0x1234_5678, 0x9abc_def0] as const;
  const name = 0x5678_9abc;
  const report = (delay: number) => compound(rtcpPacket(1, 201, [7, 0x11223344, 0, 0, 0, name, delay]));

  test('is from the sender report that went to it until what it says of that, less its own delay (RFC 3550 §6.4.1)', () => {
    const call = new QualityCall();
    call.fromPhone();
    call.bench.io.deliver(
      call.a.rtpPort,
      call.phone.at,
      call.phone.protectRtcp(rtcpPacket(0, 200, [0x11223344, ...ntp, 3, 4, 5])),
    );
    call.bench.advance(580);
    call.bench.io.deliver(call.b.rtpPort, call.pbx.at, report(65_536 / 2));
    expect(call.report(call.b).roundTrip).toBeCloseTo(80, 0);
    expect(call.report(call.a).roundTrip).toBeUndefined();
  });

  test('is not believed when it would be negative, over ten seconds, or of a report that never went out', () => {
    const call = new QualityCall();
    call.fromPhone();
    call.bench.io.deliver(call.b.rtpPort, call.pbx.at, report(0));
    call.bench.io.deliver(
      call.a.rtpPort,
      call.phone.at,
      call.phone.protectRtcp(rtcpPacket(0, 200, [0x11223344, ...ntp, 3, 4, 5])),
    );
    call.bench.advance(100);
    call.bench.io.deliver(call.b.rtpPort, call.pbx.at, report(65_536));
    call.bench.advance(20_000);
    call.bench.io.deliver(call.b.rtpPort, call.pbx.at, report(0));
    expect(call.report(call.b).roundTrip).toBeUndefined();
  });
});

describe('the codec that a peer speaks with', () => {
  const codecs = [
    [0, 'pcmu/8000/1'],
    [18, 'g729/8000/1'],
    [96, 'opus/48000/2'],
    [101, 'telephone-event/8000/1'],
  ] as const;
  const speaking = (...types: readonly number[]): EndpointReport => {
    const call = new QualityCall();
    call.bench.setRemote(call.a, call.phone.remote({ codecs }));
    for (const [index, payloadType] of types.entries()) {
      const packet = rtp({ sequence: index + 1, payloadType });
      call.bench.io.deliver(call.a.rtpPort, call.phone.at, call.phone.protectRtp(packet));
    }
    return call.report(call.a);
  };

  test('stands in the report, and its impairment in the score (ITU-T G.113)', () => {
    expect(speaking(0)).toMatchObject({ codec: 'pcmu/8000', meanOpinionScore: 4.4 });
    expect(speaking(18)).toMatchObject({ codec: 'g729/8000', meanOpinionScore: 4.09 });
    expect(speaking(96)).toMatchObject({ codec: 'opus/48000/2', meanOpinionScore: 4.4 });
  });

  test('is what came last, events excepted', () => {
    expect(speaking(0, 18, 101).codec).toBe('g729/8000');
    expect(speaking(18, 0).meanOpinionScore).toBe(4.4);
    expect(speaking(101).codec).toBeUndefined();
    expect(speaking(72).codec).toBeUndefined();
  });

  test('follows what is agreed later: the number is the same and the codec is not', () => {
    const call = new QualityCall();
    const as = (name: string): void => call.bench.setRemote(call.a, call.phone.remote({ codecs: [[0, name]] }));
    as('pcmu/8000/1');
    call.fromPhone();
    as('g729/8000/1');
    call.fromPhone();
    expect(call.report(call.a).codec).toBe('g729/8000');
  });
});

describe('what a peer may send', () => {
  test('more packets than that are dropped, and told once', () => {
    const call = new QualityCall();
    call.bench.setRemote(call.a, call.phone.remote({ limit: { packetsPerSecond: 50, bytesPerSecond: 1_000_000 } }));
    let crossed = 0;
    for (let count = 0; count < 1_000; count += 1) {
      crossed += call.fromPhone().length;
      call.bench.advance(1);
    }
    // One second's worth in hand, and one second.
    expect(crossed).toBeGreaterThanOrEqual(99);
    expect(crossed).toBeLessThanOrEqual(101);
    expect(call.report(call.a).dropped['over-limit']).toBe(1_000 - crossed);
    const limit = { packetsPerSecond: 50, bytesPerSecond: 1_000_000 };
    const told = call.bench.events.filter(({ type }) => type === 'over-limit');
    expect(told).toEqual([{ type: 'over-limit', endpoint: call.a.endpoint, limit }]);
  });

  test('more bytes than that are dropped; the same limit again gives nothing back', () => {
    const call = new QualityCall();
    const limit = { packetsPerSecond: 1_000, bytesPerSecond: 1_820 };
    call.bench.setRemote(call.a, call.phone.remote({ limit }));
    let crossed = 0;
    for (let count = 0; count < 20; count += 1) {
      call.bench.setRemote(call.a, call.phone.remote({ limit }));
      crossed += call.fromPhone().length;
    }
    expect(crossed).toBe(10);
  });

  test('a normal stream passes whole, and forged packets use nothing up', () => {
    const call = new QualityCall();
    call.bench.setRemote(call.a, call.phone.remote({ limit: { packetsPerSecond: 60, bytesPerSecond: 20_000 } }));
    const captured = call.phone.protectRtp(rtp({ sequence: 60_000, ssrc: 9 }));
    captured[20] = (captured[20] ?? 0) ^ 1;
    for (let count = 0; count < 500; count += 1) {
      const forged = captured.slice();
      forged[3] = count;
      for (let copy = 0; copy < 5; copy += 1) call.bench.io.deliver(call.a.rtpPort, call.phone.at, forged);
      expect(call.fromPhone()).toHaveLength(1);
      call.bench.advance(20);
    }
    expect(call.report(call.a).dropped).toMatchObject({ 'over-limit': 0, forged: 2_500 });
  });
});
