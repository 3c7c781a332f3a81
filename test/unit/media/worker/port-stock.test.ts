import { describe, expect, test } from 'vitest';
import type { PortPlace } from '../../../../src/media/plane/messages.ts';
import { stockLimits } from '../../../../src/media/worker/port-stock.ts';
import { localAddress, Peer, RelayBench } from '../../../support/relay-bench.ts';
import { rtp } from '../../../support/rtp-packets.ts';

const ports = { first: 20_000, last: 20_019 };
const names = (ports: readonly number[]) => ports.map((port) => `${localAddress}:${port}`);

function granted(bench: RelayBench, count: number, rtcpMux = true): readonly PortPlace[] {
  const places = bench.grant(localAddress, rtcpMux, count);
  if (places?.ok !== true) throw new Error(JSON.stringify(places));
  return places.value;
}

describe('binding ports ahead', () => {
  test('passes over ports that somebody else holds, the odd one included, and leaks nothing', () => {
    const bench = new RelayBench({ ports });
    const taken = [20_000, 20_003, 20_004, 20_007, 20_008, 20_010, 20_013];
    for (const name of names(taken)) bench.io.refusals.set(name, 'in-use');
    bench.open([{ rtcpMux: false }, { rtcpMux: false }]);
    expect(bench.io.openSockets).toHaveLength(4);
    for (const name of bench.io.openSockets) expect(names(taken)).not.toContain(name);
    bench.close();
    expect(bench.io.openSockets).toEqual([]);
    expect(bench.portsInUse).toBe(0);
  });

  test('a pair whose odd port is taken is left whole', () => {
    const bench = new RelayBench({ ports });
    for (let odd = 20_001; odd < 20_019; odd += 2) bench.io.refusals.set(`${localAddress}:${odd}`, 'in-use');
    expect(granted(bench, 1, false)).toEqual([{ address: localAddress, rtpPort: 20_018, rtcpPort: 20_019 }]);
    expect(bench.io.openSockets).toEqual(names([20_018, 20_019]));
  });

  test('grants what there is, and says why it is not more', () => {
    const bench = new RelayBench({ ports });
    expect(bench.grant(localAddress, true, 11)).toMatchObject({ ok: false, error: { code: 'no-ports' } });
    expect(bench.messages.at(-1)).toMatchObject({ type: 'granted', places: { length: 10 } });
    expect(bench.portsInUse).toBe(0);
  });

  test.each([
    ['descriptors-exhausted', 'descriptors-exhausted'],
    ['not-available', 'address-not-available'],
    ['failed', 'internal'],
  ] as const)('%s ends the attempt at once and costs no port', (refusal, code) => {
    const bench = new RelayBench({ ports });
    for (let port = ports.first; port <= ports.last; port++) bench.io.refusals.set(`${localAddress}:${port}`, refusal);
    expect(bench.grant(localAddress, false, 1)).toMatchObject({ ok: false, error: { code } });
    bench.io.refusals.clear();
    expect(granted(bench, 10)).toHaveLength(10);
  });

  test('ports of one address are not ports of another', () => {
    const bench = new RelayBench({ ports: { first: 20_000, last: 20_001 } });
    const other = { address: '192.0.2.2' };
    bench.open([{}, other]);
    expect(bench.openMore([other])).toMatchObject({ ok: false, error: { code: 'no-ports' } });
  });

  test('binds no more than are needed where sockets are short, and never more than a turn of the loop bears', () => {
    const roomy = new RelayBench({ ports: { first: 20_000, last: 20_199 }, keepBelow: 100 });
    expect(granted(roomy, 80)).toHaveLength(stockLimits.atOnce);
    const short = new RelayBench({ ports, keepBelow: 0 });
    short.relay.grant({ address: localAddress, rtcpMux: true, count: 8, needed: 2 });
    expect(short.messages).toMatchObject([{ type: 'granted', places: { length: 2 } }]);
  });

  test('a packet for a port that is not given out yet goes nowhere, and is counted as foreign', () => {
    const bench = new RelayBench({ ports });
    const [place, other] = granted(bench, 2);
    if (place === undefined || other === undefined) throw new Error('two were granted');
    const [pbx, phone] = [new Peer('192.0.2.50', 30_000), new Peer('192.0.2.60', 40_000)];
    expect(bench.io.deliver(place.rtpPort, pbx.at, rtp({ sequence: 1 }))).toEqual([]);
    bench.send({ type: 'open-session' });
    const endpoints = [place, other].map((at, index) => ({ endpoint: index + 1, ...at }));
    bench.send({ type: 'open-endpoints', endpoints });
    bench.send({ type: 'set-remote', endpoint: 1, remote: pbx.remote() });
    bench.send({ type: 'set-remote', endpoint: 2, remote: phone.remote() });
    bench.send({ type: 'join', a: 1, b: 2 });
    expect(bench.io.deliver(place.rtpPort, pbx.at, rtp({ sequence: 2 }))).toHaveLength(1);
    expect(bench.close()[0]).toMatchObject({ received: { packets: 1 }, dropped: { foreign: 0 } });
    bench.advance(1_100);
    expect(bench.messages.at(-1)).toMatchObject({ type: 'stats', stats: { dropped: { foreign: 1 } } });
  });

  test('a place is one session’s only: it cannot be opened twice, nor resumed while it is granted', () => {
    const bench = new RelayBench({ ports });
    const [place] = granted(bench, 1);
    if (place === undefined) throw new Error('one was granted');
    bench.send({ type: 'open-session' });
    const endpoints = [{ endpoint: 1, ...place }];
    expect(bench.send({ type: 'open-endpoints', endpoints })).toEqual({ type: 'done' });
    const again = bench.send({ type: 'open-endpoints', endpoints: [{ endpoint: 2, ...place }] });
    expect(again).toMatchObject({ type: 'error', error: { code: 'no-ports' } });
  });
});

describe('sockets of a call that has ended', () => {
  /** A call of one endpoint that has come and gone. */
  function past(bench: RelayBench, rtcpMux = true): number {
    const [a] = bench.open([{ rtcpMux }]);
    if (a === undefined) throw new Error('one endpoint was asked for');
    bench.setRemote(a, new Peer('192.0.2.50', 30_000).remote());
    bench.io.deliver(a.rtpPort, { address: '192.0.2.50', port: 30_000 }, rtp({ sequence: 1 }));
    bench.close();
    return a.rtpPort;
  }

  test('stay open while their ports rest, take from anybody, and serve the next call after it', () => {
    const bench = new RelayBench({ ports: { first: 20_000, last: 20_001 }, quarantine: 30_000, keepBelow: 100 });
    const port = past(bench);
    expect(bench.io.openSockets).toEqual(names([port]));
    expect(bench.io.latchOf(port)).toBeUndefined();
    expect(bench.portsInUse).toBe(0);
    expect(bench.grant(localAddress, true, 1)).toMatchObject({ ok: false, error: { code: 'no-ports' } });
    // What is late for the last call is for nobody.
    expect(bench.io.deliver(port, { address: '192.0.2.50', port: 30_000 }, rtp({ sequence: 2 }))).toEqual([]);
    const opened = bench.io.openCount;
    bench.advance(30_000);
    expect(granted(bench, 1)).toMatchObject([{ rtpPort: port }]);
    expect(bench.io.openCount).toBe(opened);
  });

  test('serve an endpoint of the other kind too: RTCP is opened or closed', () => {
    const bench = new RelayBench({ ports: { first: 20_000, last: 20_001 }, quarantine: 0, keepBelow: 100 });
    past(bench, false);
    expect(granted(bench, 1, true)).toEqual([{ address: localAddress, rtpPort: 20_000, rtcpPort: undefined }]);
    expect(bench.io.openSockets).toEqual(names([20_000]));
    bench.relay.takeBack([{ address: localAddress, rtpPort: 20_000, rtcpPort: undefined }]);
    expect(granted(bench, 1, false)).toMatchObject([{ rtcpPort: 20_001 }]);
    expect(bench.io.openSockets).toEqual(names([20_000, 20_001]));
  });

  test('are closed where they would take the place of those in use, and when nobody wants them for long', () => {
    const short = new RelayBench({ ports, quarantine: 0, keepBelow: 0 });
    past(short);
    expect(short.io.openSockets).toEqual([]);
    const bench = new RelayBench({ ports, quarantine: 10_000, keepBelow: 100 });
    past(bench);
    bench.advance(10_000 + stockLimits.idle - 1_000);
    expect(bench.io.openSockets).toHaveLength(1);
    bench.advance(1_500);
    expect(bench.io.openSockets).toEqual([]);
  });

  test('are closed on request, and their ports rest all the same', () => {
    const bench = new RelayBench({ ports: { first: 20_000, last: 20_001 }, quarantine: 10_000, keepBelow: 100 });
    past(bench);
    bench.relay.closeIdle();
    expect(bench.io.openSockets).toEqual([]);
    expect(bench.grant(localAddress, true, 1)).toMatchObject({ ok: false });
    bench.advance(10_000);
    expect(granted(bench, 1)).toHaveLength(1);
  });
});
