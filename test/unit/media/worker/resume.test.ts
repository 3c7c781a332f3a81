import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type MediaSnapshot, readMediaSnapshot } from '../../../../src/media/plane/media-snapshot.ts';
import type { OpenedEndpoint } from '../../../../src/media/plane/messages.ts';
import type { SessionState } from '../../../../src/media/plane/worker-protocol.ts';
import { formatLedger, IndexLedger, LedgerPast, ledgerBytes } from '../../../../src/media/srtp/index-ledger.ts';
import { KeyVault } from '../../../../src/media/srtp/key-vault.ts';
import { type RelaySettings, relayIntervals } from '../../../../src/media/worker/relay.ts';
import { mostToldAtOnce, stateFeedIntervals } from '../../../../src/media/worker/state-feed.ts';
import { SeededRandom } from '../../../support/fake-time.ts';
import { Peer, RelayBench } from '../../../support/relay-bench.ts';
import { cname, compound, rtp, senderReport, ssrcOf } from '../../../support/rtp-packets.ts';

const suite = 'AES_CM_128_HMAC_SHA1_80';
const goldens = [1, 2].map((version) => new URL(`../../../golden/media/snapshot-v${version}.json`, import.meta.url));

/** A worker of a process that can be killed, and its successors. */
class Machine {
  readonly #ledger: ArrayBuffer | undefined;
  readonly #sealingKey = new Uint8Array(32).fill(9);

  constructor(hasLedger = true) {
    this.#ledger = hasLedger ? new ArrayBuffer(ledgerBytes(64)) : undefined;
    if (this.#ledger !== undefined) formatLedger(new Uint8Array(this.#ledger), new Uint8Array(16));
  }

  start(key = this.#sealingKey, changes: Partial<RelaySettings> = {}): RelayBench {
    const past = new LedgerPast();
    if (this.#ledger !== undefined) past.add(new Uint8Array(this.#ledger.slice(0)));
    const ledger = this.#ledger === undefined ? undefined : new IndexLedger(this.#ledger, past);
    return new RelayBench(changes, { ledger, vault: new KeyVault(key, new SeededRandom(3)) });
  }
}

interface Call {
  readonly a: OpenedEndpoint;
  readonly b: OpenedEndpoint;
  readonly phone: Peer;
  readonly pbx: Peer;
}

function call(bench: RelayBench): Call {
  const [a, b] = bench.open([{}, { rtcpMux: false }]);
  if (a === undefined || b === undefined) throw new Error('two endpoints were asked for');
  const phone = new Peer('198.51.100.7', 4000, suite);
  const pbx = new Peer('192.0.2.50', 30_000);
  bench.setRemote(a, phone.remote({ payloadTypes: [[96, 0]] }));
  bench.setRemote(b, pbx.remote({ rtcp: { address: '192.0.2.50', port: 30_001 } }));
  bench.join(a, b);
  return { a, b, phone, pbx };
}

function snapshotOf(bench: RelayBench): MediaSnapshot {
  const outcome = bench.send({ type: 'snapshot' });
  if (outcome?.type !== 'snapshot') throw new Error(JSON.stringify(outcome));
  const copy = readMediaSnapshot(JSON.parse(JSON.stringify(outcome.snapshot)));
  if (copy === undefined) throw new Error('it is no snapshot');
  return copy;
}

const resumed = (bench: RelayBench, snapshot: MediaSnapshot) => bench.send({ type: 'resume-session', snapshot });

describe('a session that goes on in another process', () => {
  test('has the same ports, peers, keys, payload types and counts', () => {
    const machine = new Machine();
    const first = machine.start();
    const { a, b, phone, pbx } = call(first);
    first.io.deliver(a.rtpPort, { address: '203.0.113.9', port: 777 }, phone.protectRtp(rtp({ sequence: 1 })));
    first.io.deliver(b.rtpPort, pbx.at, rtp({ sequence: 1 }));
    const next = machine.start();
    expect(resumed(next, snapshotOf(first))).toEqual({ type: 'done' });
    expect(next.io.openSockets).toEqual(first.io.openSockets);
    const [outward] = next.io.deliver(
      a.rtpPort,
      { address: '203.0.113.9', port: 777 },
      phone.protectRtp(rtp({ sequence: 2, payloadType: 96 })),
    );
    expect(outward?.bytes).toEqual(rtp({ sequence: 2, payloadType: 0 }));
    const [inward] = next.io.deliver(b.rtpPort, pbx.at, rtp({ sequence: 2 }));
    expect(inward?.to).toBe('203.0.113.9:777');
    expect(phone.receiveRtp(inward)).toEqual(rtp({ sequence: 2 }));
    const reports = next.close();
    expect(reports.map(({ received, sent }) => [received.packets, sent.packets])).toEqual([
      [2, 2],
      [2, 2],
    ]);
    expect(next.portsInUse).toBe(0);
  });

  test('uses no index twice, however old the snapshot is, across a roll-over (RFC 3711 §9.1)', () => {
    const machine = new Machine();
    const first = machine.start();
    const { b, pbx, phone } = call(first);
    const old = snapshotOf(first);
    const sent: string[] = [];
    const pass = (bench: RelayBench, sequence: number): void => {
      for (const packet of bench.io.deliver(b.rtpPort, pbx.at, rtp({ sequence }))) {
        sent.push(`${ssrcOf(packet.bytes)}:${Buffer.from(packet.bytes.subarray(2, 4)).toString('hex')}`);
        phone.receiveRtp(packet);
      }
    };
    for (let sequence = 0xff00; sequence <= 0x10010; sequence += 1) pass(first, sequence);
    const next = machine.start();
    resumed(next, old);
    // Those that were sent come again, with other contents perhaps; then the stream goes on.
    for (let sequence = 0xfff0; sequence <= 0x10020; sequence += 1) pass(next, sequence);
    expect(new Set(sent).size).toBe(sent.length);
    expect(sent).toHaveLength(0x10020 - 0xff00 + 1);
    expect(next.close()[1]?.dropped['index-reuse']).toBe(0x10010 - 0xfff0 + 1);
  });

  test('without a ledger sends under a fresh SSRC, which the phone takes', () => {
    const machine = new Machine(false);
    const first = machine.start();
    const { b, pbx, phone } = call(first);
    const [before] = first.io.deliver(b.rtpPort, pbx.at, rtp({ sequence: 1 }));
    phone.receiveRtp(before);
    const next = machine.start();
    resumed(next, snapshotOf(first));
    const [after] = next.io.deliver(b.rtpPort, pbx.at, rtp({ sequence: 1 }));
    expect(ssrcOf(phone.receiveRtp(after))).not.toBe(ssrcOf(rtp({ sequence: 1 })));
  });

  test('without a ledger a source that never sent before is named afresh too: nobody knows that it never did', () => {
    const machine = new Machine(false);
    const first = machine.start();
    const { b, pbx } = call(first);
    const next = machine.start();
    resumed(next, snapshotOf(first));
    const packet = rtp({ sequence: 1, ssrc: 0x55 });
    const [sent] = next.io.deliver(b.rtpPort, pbx.at, packet);
    expect(ssrcOf(sent?.bytes ?? packet)).not.toBe(0x55);
  });

  test('takes nothing again that was received before, RTP or RTCP (RFC 3711 §3.3.2)', () => {
    const machine = new Machine();
    const first = machine.start();
    const { a, phone } = call(first);
    const old = snapshotOf(first);
    const captured = [1, 2, 3].map((sequence) => phone.protectRtp(rtp({ sequence })));
    const report = phone.protectRtcp(compound(senderReport(1, 2), cname(1, 'x')));
    for (const packet of [...captured, report]) first.io.deliver(a.rtpPort, phone.at, packet);
    const next = machine.start();
    resumed(next, old);
    for (const packet of [...captured, report]) expect(next.io.deliver(a.rtpPort, phone.at, packet)).toEqual([]);
    expect(next.io.deliver(a.rtpPort, phone.at, phone.protectRtp(rtp({ sequence: 4 })))).toHaveLength(1);
  });

  test('without a ledger finds the roll-over counter that the phone has reached (RFC 3711 §3.3.1)', () => {
    const machine = new Machine(false);
    const first = machine.start();
    const { a, phone } = call(first);
    first.io.deliver(a.rtpPort, phone.at, phone.protectRtp(rtp({ sequence: 10 })));
    const old = snapshotOf(first);
    let sequence = 10;
    for (; sequence < 2 * 0x10000 + 50; sequence += 1000) phone.protectRtp(rtp({ sequence: sequence + 1 }));
    const next = machine.start();
    resumed(next, old);
    let heard = 0;
    for (let count = 2; count < 12; count += 1) {
      heard += next.io.deliver(a.rtpPort, phone.at, phone.protectRtp(rtp({ sequence: sequence + count }))).length;
    }
    expect(heard).toBeGreaterThanOrEqual(7);
  });

  test('RTCP goes on after the last index under the same key (RFC 3711 §3.4)', () => {
    const machine = new Machine();
    const first = machine.start();
    const { b, phone } = call(first);
    const old = snapshotOf(first);
    const from = { address: '192.0.2.50', port: 30_001 };
    const pass = (bench: RelayBench): void => {
      const sent = bench.io.deliver(b.rtcpPort ?? 0, from, compound(senderReport(1, 2), cname(1, 'x')));
      expect(sent).toHaveLength(1);
      phone.receiveRtcp(sent[0]);
    };
    pass(first);
    pass(first);
    const next = machine.start();
    resumed(next, old);
    pass(next);
  });

  test('fails whole and leaves no port when its keys were sealed elsewhere, or a port is taken', () => {
    const machine = new Machine();
    const first = machine.start();
    call(first);
    const snapshot = snapshotOf(first);
    const elsewhere = machine.start(new Uint8Array(32));
    expect(resumed(elsewhere, snapshot)).toMatchObject({ type: 'error', error: { code: 'bad-key' } });
    expect(elsewhere.io.openSockets).toEqual([]);
    const busy = machine.start();
    busy.io.refusals.set(first.io.openSockets[1] ?? '', 'in-use');
    expect(resumed(busy, snapshot)).toMatchObject({ type: 'error', error: { code: 'no-ports' } });
    expect(busy.io.openSockets).toEqual([]);
    busy.io.refusals.clear();
    expect(resumed(busy, snapshot)).toEqual({ type: 'done' });
  });

  test('waits for its sockets where another process still reads them, and what it is told waits behind it', () => {
    const machine = new Machine();
    const first = machine.start();
    const { b, phone, pbx } = call(first);
    first.io.deliver(b.rtpPort, pbx.at, rtp({ sequence: 1 }));
    const snapshot = snapshotOf(first);
    const next = machine.start(undefined, { awaitsSockets: true });
    expect(resumed(next, snapshot)).toBeUndefined();
    expect(next.send({ type: 'report' })).toBeUndefined();
    expect(next.io.openSockets).toEqual([]);
    next.relay.succeed({ first: 20_000, last: 20_099 }, { take: () => undefined });
    const outcomes = next.messages.flatMap((message) => (message.type === 'reply' ? [message.outcome.type] : []));
    expect(outcomes).toEqual(['done', 'report']);
    expect(next.io.openSockets).toEqual(first.io.openSockets);
    const [inward] = next.io.deliver(b.rtpPort, pbx.at, rtp({ sequence: 2 }));
    expect(phone.receiveRtp(inward)).toEqual(rtp({ sequence: 2 }));
    // From now on nobody waits.
    expect(next.send({ type: 'resume-session', snapshot }, 2)).toMatchObject({ error: { code: 'no-ports' } });
  });

  test('that cannot be made of its snapshot holds up nobody who waits behind it', () => {
    const machine = new Machine();
    const first = machine.start();
    call(first);
    const snapshot = snapshotOf(first);
    const next = machine.start(undefined, { awaitsSockets: true });
    next.send({ type: 'resume-session', snapshot: { ...snapshot, joined: [[1, 99]] } }, 1);
    next.send({ type: 'resume-session', snapshot }, 2);
    next.relay.succeed({ first: 20_000, last: 20_099 }, { take: () => undefined });
    const outcomes = next.messages.flatMap((message) => (message.type === 'reply' ? [message.outcome.type] : []));
    expect(outcomes).toEqual(['error', 'done']);
  });

  test('cannot be exported where nothing seals its keys', () => {
    const bench = new RelayBench();
    call(bench);
    expect(bench.send({ type: 'snapshot' })).toMatchObject({ type: 'error', error: { code: 'cipher-unavailable' } });
  });

  test('no key stands in a snapshot, and version 2 stays as it is', () => {
    const bench = new Machine().start();
    const { a, phone } = call(bench);
    bench.io.deliver(a.rtpPort, phone.at, phone.protectRtp(rtp({ sequence: 1 })));
    const text = `${JSON.stringify(snapshotOf(bench), null, 2)}\n`;
    const key = phone.remote().receive?.masterKey ?? new Uint8Array();
    for (const encoding of ['hex', 'base64', 'base64url', 'latin1'] as const) {
      expect(text).not.toContain(Buffer.from(key).toString(encoding));
    }
    const [, current] = goldens;
    if (current === undefined) throw new Error('version 2 has a golden file');
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(current, text);
    expect(JSON.parse(text)).toEqual(JSON.parse(readFileSync(current, 'utf8')));
  });

  test.each(goldens)('goes on from a record of every version: %s', (file) => {
    const kept = readMediaSnapshot(JSON.parse(readFileSync(file, 'utf8')));
    if (kept === undefined) throw new Error('it is no snapshot');
    const bench = new Machine().start();
    expect(resumed(bench, kept)).toEqual({ type: 'done' });
    expect(snapshotOf(bench).endpoints.map(({ rtpPort }) => rtpPort)).toEqual(
      kept.endpoints.map(({ rtpPort }) => rtpPort),
    );
  });

  test('knows no record of a later version', () => {
    expect(readMediaSnapshot({ version: 3, endpoints: [] })).toBeUndefined();
  });

  test('counts in its account what was counted before, and in the statistics of its worker only what it does itself', () => {
    const machine = new Machine();
    const first = machine.start();
    const { a, b, phone, pbx } = call(first);
    for (const sequence of [1, 2, 5]) first.io.deliver(a.rtpPort, phone.at, phone.protectRtp(rtp({ sequence })));
    first.io.deliver(b.rtpPort, pbx.at, rtp({ sequence: 1 }));
    const next = machine.start();
    resumed(next, snapshotOf(first));
    next.io.deliver(a.rtpPort, phone.at, phone.protectRtp(rtp({ sequence: 6 })));
    next.advance(1_100);
    const stats = next.messages.findLast((message) => message.type === 'stats');
    expect(stats).toMatchObject({ stats: { received: { packets: 1 }, sent: { packets: 1 } } });
    const [atPhone, atPbx] = next.close();
    expect(atPhone).toMatchObject({ received: { packets: 4 }, lost: 2 });
    expect(atPbx).toMatchObject({ received: { packets: 1 }, sent: { packets: 4 } });
    next.advance(1_100);
    const after = next.messages.findLast((message) => message.type === 'stats');
    expect(after).toMatchObject({ stats: { received: { packets: 1 }, sent: { packets: 1 } } });
  });

  test('tells its state by itself after each change once a peer is known, and again from time to time', () => {
    const machine = new Machine();
    const bench = machine.start();
    const states = (): readonly SessionState[] =>
      bench.messages.splice(0).flatMap((message) => (message.type === 'states' ? message.states : []));
    bench.open([{}], 2);
    bench.relay.onDeadline(bench.clock.now());
    expect(states()).toEqual([]);
    const { a, phone } = call(bench);
    bench.relay.onDeadline(bench.clock.now());
    const [set, ...others] = states();
    expect([set?.covers, others]).toEqual([7, []]);
    bench.relay.onDeadline(bench.clock.now());
    expect(states()).toEqual([]);
    bench.io.deliver(a.rtpPort, phone.at, phone.protectRtp(rtp({ sequence: 1 })));
    bench.relay.onDeadline(bench.clock.now());
    expect(states()).toHaveLength(1);
    bench.advance(stateFeedIntervals.refresh + 100);
    const [refreshed] = states();
    const next = machine.start();
    const snapshot = readMediaSnapshot(JSON.parse(refreshed?.snapshot ?? ''));
    if (snapshot === undefined) throw new Error('it is no snapshot');
    expect(resumed(next, snapshot)).toEqual({ type: 'done' });
  });
  test('is told of few sessions at a time, and packets have their turn in between', () => {
    const bench = new Machine(false).start();
    const count = mostToldAtOnce + 3;
    for (let session = 1; session <= count; session += 1) {
      const [endpoint] = bench.open([{}], session);
      if (endpoint !== undefined) bench.setRemote(endpoint, new Peer('192.0.2.50', 30_000).remote(), session);
    }
    const told = (): number[] =>
      bench.messages.splice(0).flatMap((message) => (message.type === 'states' ? [message.states.length] : []));
    told();
    const now = bench.clock.now();
    expect(bench.relay.onDeadline(now)).toBe(now + relayIntervals.behind);
    expect(bench.relay.onDeadline(now)).toBe(now + relayIntervals.beat);
    expect(told()).toEqual([mostToldAtOnce, 3]);
  });
});
