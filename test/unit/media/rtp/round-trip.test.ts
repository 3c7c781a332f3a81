import { describe, expect, test } from 'vitest';
import { RoundTrip, roundTripLimits } from '../../../../src/media/rtp/round-trip.ts';
import { cname, compound, rtcpPacket } from '../../../support/rtp-packets.ts';
import { plainMemory } from '../../../support/srtp-vectors.ts';

const memory = plainMemory(4096);
const offset = 256;

function at(packet: Uint8Array): readonly [typeof memory, number, number] {
  memory.bytes.fill(0xff);
  memory.bytes.set(packet, offset);
  return [memory, offset, packet.length];
}

/** A report that left: its NTP timestamp has `name` as its middle 32 bits. */
const sent = (name: number): Uint8Array =>
  rtcpPacket(0, 200, [1, 0xaaaa_0000 + (name >>> 16), ((name & 0xffff) << 16) + 0xbbbb, 0, 0, 0]);
/** What a peer says of it, after so many milliseconds. */
const blockOn = (name: number, delayMillis: number): readonly number[] => [
  2,
  0,
  0,
  0,
  name,
  Math.round((delayMillis * 65_536) / 1_000),
];
const receiverReport = (...blocks: readonly (readonly number[])[]): Uint8Array =>
  rtcpPacket(blocks.length, 201, [3, ...blocks.flat()]);
const senderReport = (...blocks: readonly (readonly number[])[]): Uint8Array =>
  rtcpPacket(blocks.length, 200, [3, 0, 0, 0, 0, 0, ...blocks.flat()]);

const name = 0x1234_5678;

describe('the round trip to a peer (RFC 3550 §6.4.1)', () => {
  test.each([
    ['a receiver report', receiverReport(blockOn(name, 250))],
    ['a sender report', senderReport(blockOn(name, 250))],
    ['its second block', receiverReport(blockOn(0x99, 5), blockOn(name, 250))],
    ['a report behind others', compound(receiverReport(), cname(1, 'a'), senderReport(blockOn(name, 250)))],
  ])('is told by %s', (_what, report) => {
    const trip = new RoundTrip();
    trip.sent(...at(compound(cname(1, 'abc'), sent(name))), 1_000);
    expect(trip.duration).toBeUndefined();
    trip.received(...at(report), 1_300);
    expect(trip.duration).toBeCloseTo(50, 1);
  });

  test.each([
    ['of a report that never left', receiverReport(blockOn(name + 1, 250))],
    ['of no report', receiverReport(blockOn(0, 250))],
    ['in a packet of another kind', rtcpPacket(1, 204, [3, ...blockOn(name, 250)])],
    ['behind the blocks that it counts', rtcpPacket(0, 201, [3, ...blockOn(name, 250)])],
    ['in a block that was cut off', receiverReport(blockOn(name, 250)).subarray(0, 28)],
  ])('is not told by what is said %s', (_what, report) => {
    const trip = new RoundTrip();
    trip.sent(...at(sent(name)), 1_000);
    trip.received(...at(report), 1_300);
    expect(trip.duration).toBeUndefined();
  });

  test('is nothing where the clock of a peer ticks coarsely, and ten seconds at most', () => {
    for (const [after, expected] of [
      [-21, undefined],
      [-20, 0],
      [roundTripLimits.longest, roundTripLimits.longest],
      [roundTripLimits.longest + 1, undefined],
    ] as const) {
      const trip = new RoundTrip();
      trip.sent(...at(sent(name)), 1_000);
      trip.received(...at(receiverReport(blockOn(name, 0))), 1_000 + after);
      expect(trip.duration).toBe(expected);
    }
  });

  test('is smoothed over eight reports', () => {
    const trip = new RoundTrip();
    trip.sent(...at(sent(name)), 0);
    trip.received(...at(receiverReport(blockOn(name, 0))), 80);
    trip.received(...at(receiverReport(blockOn(name, 0))), 160);
    expect(trip.duration).toBe(90);
    trip.received(...at(receiverReport(blockOn(name, 0))), 10);
    expect(trip.duration).toBe(80);
  });

  test('is known of the last four reports, and of none before them', () => {
    const trip = new RoundTrip();
    for (let report = 0; report <= roundTripLimits.reports; report += 1) {
      trip.sent(...at(sent(name + report)), 100 * report);
    }
    trip.received(...at(receiverReport(blockOn(name, 0))), 1_000);
    expect(trip.duration).toBeUndefined();
    for (let report = 1; report <= roundTripLimits.reports; report += 1) {
      const one = new RoundTrip();
      for (let each = 0; each <= roundTripLimits.reports; each += 1) one.sent(...at(sent(name + each)), 100 * each);
      one.received(...at(receiverReport(blockOn(name + report, 0))), 1_000);
      expect(one.duration).toBe(1_000 - 100 * report);
    }
  });

  test('is told by every report of a compound that left', () => {
    const trip = new RoundTrip();
    trip.sent(...at(compound(sent(name), sent(name + 1))), 100);
    trip.received(...at(receiverReport(blockOn(name + 1, 0))), 140);
    trip.received(...at(receiverReport(blockOn(name, 0))), 140);
    expect(trip.duration).toBe(40);
  });
});
