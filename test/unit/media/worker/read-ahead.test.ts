import { afterEach, describe, expect, test, vi } from 'vitest';
import { announcedAtOnce } from '../../../../src/media/packet-io/packet-io.ts';
import { PacketFlow, preloadLevels } from '../../../../src/media/worker/packet-flow.ts';
import { readAheadFrom } from '../../../../src/media/worker/relay.ts';
import { Peer, RelayBench } from '../../../support/relay-bench.ts';
import { rtp } from '../../../support/rtp-packets.ts';

const suite = 'AES_CM_128_HMAC_SHA1_80';
/** Of the call first, then some that nobody has. */
const sockets = Int32Array.from({ length: announcedAtOnce }, (_, socket) => socket);

/** As many sessions as reading ahead needs, without endpoints. */
function withManyCalls(): RelayBench {
  const bench = new RelayBench();
  for (let session = 1; session < readAheadFrom; session += 1) bench.send({ type: 'open-session' }, 1000 + session);
  return bench;
}

/** The life of a call with SRTP on both sides; `between` happens in each of its states. All that was sent and told. */
function life(bench: RelayBench, between: () => void) {
  const [a, b] = bench.open([{}, {}]);
  if (a === undefined || b === undefined) throw new Error('two endpoints were asked for');
  const [phone, other] = [new Peer('198.51.100.7', 4000, suite), new Peer('198.51.100.8', 5000, suite)];
  between();
  bench.setRemote(a, phone.remote());
  between();
  bench.setRemote(b, other.remote({ limit: { packetsPerSecond: 4, bytesPerSecond: 10_000 } }));
  bench.join(a, b);
  between();
  for (let sequence = 65_530; sequence < 65_542; sequence += 1) {
    const packet = rtp({ sequence: sequence & 0xffff });
    bench.io.deliver(a.rtpPort, phone.at, phone.protectRtp(packet));
    between();
    const again = other.protectRtp(packet);
    bench.io.deliver(b.rtpPort, other.at, again);
    between();
    bench.io.deliver(b.rtpPort, other.at, again);
    bench.advance(50);
    between();
  }
  const report = bench.close();
  between();
  return { report, sent: bench.io.sent, messages: bench.messages };
}

afterEach(() => void vi.restoreAllMocks());

describe('reading ahead', () => {
  test('leaves everything as it was: keys, windows, counters, limits and addresses, in every state of a call', () => {
    const quiet = life(withManyCalls(), () => {});
    const bench = withManyCalls();
    expect(life(bench, () => bench.relay.onAhead(sockets, sockets.length))).toEqual(quiet);
    expect(quiet.sent.length).toBeGreaterThan(12);
  });

  test('looks at every call that a packet is announced for, level by level, and leaves out what is nobody’s', () => {
    const levels: number[] = [];
    const bench = withManyCalls();
    bench.open([{}, {}]);
    vi.spyOn(PacketFlow.prototype, 'preload').mockImplementation((level) => levels.push(level));
    bench.relay.onAhead(sockets, sockets.length);
    expect(levels).toEqual(Array.from({ length: 2 * preloadLevels }, (_, at) => at >> 1));
    levels.length = 0;
    bench.relay.onAhead(Int32Array.of(0, 0, 0, 99), 4);
    expect(levels).toHaveLength(3 * preloadLevels);
  });

  test('is left out while calls are few', () => {
    const bench = new RelayBench();
    bench.open([{}, {}]);
    const preload = vi.spyOn(PacketFlow.prototype, 'preload');
    bench.relay.onAhead(sockets, sockets.length);
    expect(preload).not.toHaveBeenCalled();
  });
});
