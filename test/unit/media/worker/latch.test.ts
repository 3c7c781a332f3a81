import { describe, expect, test } from 'vitest';
import type { EndpointRemote, OpenedEndpoint } from '../../../../src/media/plane/messages.ts';
import { latchLimits } from '../../../../src/media/worker/latch.ts';
import type { SentPacket } from '../../../support/fake-packet-io.ts';
import { Peer, RelayBench } from '../../../support/relay-bench.ts';
import { rtp, senderReport } from '../../../support/rtp-packets.ts';

const suite = 'AES_CM_128_HMAC_SHA1_80';
/** What the phone says of itself, and how its NAT makes it look. */
const behindNat = { address: '10.1.1.7', port: 4000 };
const nat = { address: '198.51.100.7', port: 61_000 };
const otherNat = { address: '198.51.100.7', port: 61_999 };
const stranger = { address: '203.0.113.66', port: 6666 };

/** A phone whose signalled address is `behindNat`; the PBX at b makes what is sent towards it visible. */
class Scene {
  readonly bench = new RelayBench();
  readonly a: OpenedEndpoint;
  readonly b: OpenedEndpoint;
  readonly phone: Peer;
  readonly pbx = new Peer('192.0.2.50', 30_000);
  #sequence = 0;

  constructor(changes: Partial<EndpointRemote> = {}, phone = new Peer(behindNat.address, behindNat.port, suite)) {
    const [a, b] = this.bench.open([{}, {}]);
    if (a === undefined || b === undefined) throw new Error('two endpoints were asked for');
    this.a = a;
    this.b = b;
    this.phone = phone;
    this.bench.setRemote(a, phone.remote(changes));
    this.bench.setRemote(b, this.pbx.remote());
    this.bench.join(a, b);
  }

  /** A good packet of the phone from `source`; true when it was forwarded. */
  hear(source: { address: string; port: number }): boolean {
    return this.bench.io.deliver(this.a.rtpPort, source, this.phone.protectRtp(this.next())).length === 1;
  }

  /** Where a packet towards the phone goes; undefined: nowhere. */
  target(): string | undefined {
    return this.towardsPhone()?.to;
  }

  towardsPhone(): SentPacket | undefined {
    return this.bench.io.deliver(this.b.rtpPort, this.pbx.at, this.next())[0];
  }

  next(): Uint8Array {
    this.#sequence += 1;
    return rtp({ sequence: this.#sequence });
  }

  get filter(): string | undefined {
    return this.bench.io.latchOf(this.a.rtpPort);
  }
}

const name = ({ address, port }: { address: string; port: number }) => `${address}:${port}`;

describe('latching on authenticated packets (RFC 7362, RFC 3711)', () => {
  test('the destination is the signalled address until a packet is proven, then where that came from', () => {
    const scene = new Scene();
    expect(scene.target()).toBe(name(behindNat));
    expect(scene.hear(nat)).toBe(true);
    expect(scene.target()).toBe(name(nat));
    expect(scene.filter).toBe(name(nat));
    expect(scene.bench.events).toContainEqual({ type: 'latched', endpoint: scene.a.endpoint, remote: nat });
  });

  test('forged packets by the hundred move nothing', () => {
    const scene = new Scene();
    for (let count = 0; count < 300; count++) {
      const forged = Uint8Array.from([...rtp({ sequence: count }), ...new Uint8Array(10)]);
      expect(scene.bench.io.deliver(scene.a.rtpPort, stranger, forged)).toEqual([]);
    }
    expect(scene.target()).toBe(name(behindNat));
    expect(scene.filter).toBeUndefined();
    expect(scene.hear(nat)).toBe(true);
    expect(scene.bench.close()[0]?.dropped.forged).toBe(300);
  });

  test('after a second of silence the kernel lets others in, and an authenticated packet from elsewhere moves the destination', () => {
    const scene = new Scene();
    scene.hear(nat);
    scene.bench.advance(latchLimits.relatchAfter + 300);
    expect(scene.filter).toBeUndefined();
    expect(scene.target()).toBe(name(nat));
    expect(scene.hear(otherNat)).toBe(true);
    expect(scene.target()).toBe(name(otherNat));
    expect(scene.filter).toBe(name(otherNat));
  });

  test('while the peer speaks the kernel keeps filtering', () => {
    const scene = new Scene();
    for (let second = 0; second < 5; second++) {
      scene.hear(nat);
      scene.bench.advance(900);
      expect(scene.filter).toBe(name(nat));
    }
  });

  test('the peer that comes back after silence is filtered for again', () => {
    const scene = new Scene();
    scene.hear(nat);
    scene.bench.advance(5_000);
    expect(scene.filter).toBeUndefined();
    scene.hear(nat);
    expect(scene.filter).toBe(name(nat));
    expect(scene.bench.events.filter(({ type }) => type === 'latched')).toHaveLength(1);
  });

  test('a captured packet that a faster path brings from elsewhere moves nothing while the peer speaks', () => {
    const scene = new Scene();
    scene.hear(nat);
    scene.bench.advance(latchLimits.relatchAfter + 300);
    scene.hear(nat);
    const captured = scene.phone.protectRtp(scene.next());
    scene.bench.io.unlatch(0);
    expect(scene.bench.io.deliver(scene.a.rtpPort, stranger, captured)).toHaveLength(1);
    expect(scene.target()).toBe(name(nat));
  });

  test('a new signalled address starts over, the same one changes nothing', () => {
    const scene = new Scene();
    scene.hear(nat);
    scene.bench.setRemote(scene.a, scene.phone.remote());
    expect(scene.target()).toBe(name(nat));
    scene.bench.setRemote(scene.a, scene.phone.remote({ rtp: { address: '10.1.1.8', port: 5000 } }));
    expect(scene.target()).toBe('10.1.1.8:5000');
    expect(scene.filter).toBeUndefined();
    expect(scene.hear(otherNat)).toBe(true);
    expect(scene.target()).toBe(name(otherNat));
  });

  test('hold by address 0.0.0.0 and back finds the way again (RFC 3264 §8.4)', () => {
    const scene = new Scene();
    scene.hear(nat);
    scene.bench.setRemote(scene.a, scene.phone.remote({ rtp: { address: '0.0.0.0', port: 4000 }, sending: false }));
    expect(scene.target()).toBeUndefined();
    scene.bench.setRemote(scene.a, scene.phone.remote());
    expect(scene.target()).toBe(name(nat));
  });

  test('an address that was never specified gets nothing', () => {
    const scene = new Scene({ rtp: { address: '0.0.0.0', port: 0 } });
    expect(scene.target()).toBeUndefined();
    scene.hear(nat);
    expect(scene.target()).toBe(name(nat));
  });

  test('SRTCP on the same port proves the peer as well (RFC 5761)', () => {
    const scene = new Scene();
    const report = scene.phone.protectRtcp(senderReport(1, 2));
    expect(scene.bench.io.deliver(scene.a.rtpPort, nat, report)).toHaveLength(1);
    expect(scene.target()).toBe(name(nat));
  });

  test('with an unproven return path nothing is sent before the peer was heard', () => {
    const scene = new Scene({ awaitLatch: true });
    expect(scene.target()).toBeUndefined();
    scene.hear(nat);
    expect(scene.target()).toBe(name(nat));
    expect(scene.bench.close().find(({ endpoint }) => endpoint === scene.b.endpoint)?.dropped['not-latched']).toBe(1);
  });
});

describe('plain RTP', () => {
  const plain = (changes: Partial<EndpointRemote>) => new Scene(changes, new Peer(behindNat.address, behindNat.port));

  test('comes from the signalled address and nowhere else', () => {
    const scene = plain({});
    expect(scene.hear(nat)).toBe(false);
    expect(scene.hear({ ...behindNat, port: 4001 })).toBe(false);
    expect(scene.hear(behindNat)).toBe(true);
    expect(scene.hear(nat)).toBe(false);
    scene.bench.advance(20_000);
    expect(scene.hear(nat)).toBe(false);
    expect(scene.target()).toBe(name(behindNat));
  });

  test('in a window the first source is the peer, and stays it', () => {
    const scene = plain({ latching: { kind: 'window', duration: 2_000 } });
    expect(scene.hear(nat)).toBe(true);
    expect(scene.hear(stranger)).toBe(false);
    expect(scene.target()).toBe(name(nat));
    scene.bench.advance(10_000);
    expect(scene.hear(stranger)).toBe(false);
    expect(scene.hear(nat)).toBe(true);
    expect(scene.filter).toBe(name(nat));
  });

  test('inside the window the signalled address takes over from whoever was faster', () => {
    const scene = plain({ latching: { kind: 'window', duration: 2_000 } });
    expect(scene.hear(stranger)).toBe(true);
    expect(scene.hear(behindNat)).toBe(true);
    expect(scene.target()).toBe(name(behindNat));
    expect(scene.hear(stranger)).toBe(false);
  });

  test('after the window nobody new is let in, but for the signalled address when nobody came', () => {
    const scene = plain({ latching: { kind: 'window', duration: 2_000 } });
    scene.bench.advance(2_000);
    expect(scene.hear(nat)).toBe(false);
    expect(scene.hear(behindNat)).toBe(true);
  });

  test('sprayed over all ports during a call nothing comes back to the sprayer (RTP bleed)', () => {
    const scene = plain({ latching: { kind: 'window', duration: 2_000 } });
    scene.hear(nat);
    const before = scene.bench.io.sent.length;
    for (let count = 0; count < 500; count++) {
      for (const { rtpPort } of [scene.a, scene.b]) scene.bench.io.deliver(rtpPort, stranger, rtp({ sequence: count }));
      scene.bench.advance(10);
    }
    expect(scene.bench.io.sent.slice(before)).toEqual([]);
    expect(scene.target()).toBe(name(nat));
  });
});
