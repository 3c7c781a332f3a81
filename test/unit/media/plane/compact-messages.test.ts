import { describe, expect, test } from 'vitest';
import { isCompactList } from '../../../../src/media/plane/compact-list.ts';
import {
  packMessage,
  packRequest,
  unpackMessage,
  unpackRequest,
} from '../../../../src/media/plane/compact-messages.ts';
import { dropRecord } from '../../../../src/media/plane/drop-record.ts';
import { KeySlots, keySlotLimits } from '../../../../src/media/plane/key-slots.ts';
import { dropReasons, type EndpointRemote, type EndpointReport } from '../../../../src/media/plane/messages.ts';
import type { SessionCommand, WorkerMessage, WorkerRequest } from '../../../../src/media/plane/worker-protocol.ts';
import { profileOf, type SrtpKeying, srtpSuites } from '../../../../src/media/srtp/profile.ts';

const keying = (suite: SrtpKeying['suite'], filler: number): SrtpKeying => ({
  suite,
  masterKey: new Uint8Array(profileOf(suite).keyBytes).fill(filler),
  masterSalt: new Uint8Array(profileOf(suite).saltBytes).fill(filler + 1),
});

const plain: EndpointRemote = {
  rtp: { address: '192.0.2.1', port: 4000 },
  rtcp: undefined,
  receive: undefined,
  send: undefined,
  latching: { kind: 'signalled' },
  sending: true,
  receiving: false,
  payloadTypes: [],
  clockRates: [],
  codecs: [],
};

const request = (command: SessionCommand): WorkerRequest => ({ id: 7, session: 3, command });

/** What arrives of it in another thread. */
function crossed(sent: WorkerRequest, keys = new KeySlots()): WorkerRequest {
  return unpackRequest(structuredClone(packRequest(sent, keys)), new KeySlots(keys.buffer));
}

describe('what a worker is told', () => {
  test.each<SessionCommand>([
    { type: 'open-session' },
    {
      type: 'open-endpoints',
      endpoints: [
        { endpoint: 1, address: '198.51.100.1', rtpPort: 20_000, rtcpPort: 20_001 },
        { endpoint: 2, address: '2001:db8::1', rtpPort: 20_002, rtcpPort: undefined },
      ],
    },
    { type: 'set-remote', endpoint: 2, remote: plain },
    {
      type: 'set-remote',
      endpoint: 1,
      remote: {
        ...plain,
        rtcp: { address: '192.0.2.2', port: 4003 },
        latching: { kind: 'window', duration: 5_000 },
        awaitLatch: true,
        limit: { packetsPerSecond: 175, bytesPerSecond: 18_400 },
        payloadTypes: [[96, 97]],
        clockRates: [[96, 48_000]],
        codecs: [
          [96, 'opus/48000/2'],
          [8, 'pcma/8000/1'],
        ],
      },
    },
    { type: 'join', a: 1, b: 2 },
    { type: 'close-session' },
  ])('crosses as plain values and is the same: $type', (command) => {
    expect(isCompactList(packRequest(request(command), new KeySlots()))).toBe(true);
    expect(crossed(request(command))).toEqual(request(command));
  });

  test.each(srtpSuites)('keys of %s cross in shared memory, which is wiped as they are taken', (suite) => {
    const keys = new KeySlots();
    const remote = { ...plain, receive: keying(suite, 11), send: keying(suite, 21) };
    const packed = structuredClone(packRequest(request({ type: 'set-remote', endpoint: 1, remote }), keys));
    if (!isCompactList(packed)) throw new Error('it is no list');
    expect(packed.filter((value) => value instanceof Uint8Array)).toEqual([]);
    expect(new Uint8Array(keys.buffer).includes(11)).toBe(true);
    const told = unpackRequest(packed, new KeySlots(keys.buffer));
    expect(told).toEqual(request({ type: 'set-remote', endpoint: 1, remote }));
    expect(new Uint8Array(keys.buffer).every((byte) => byte === 0)).toBe(true);
  });

  test('more keys than the memory holds cross by themselves, and none takes the place of another', () => {
    const keys = new KeySlots();
    const count = keySlotLimits.slots / 2 + 3;
    const told = Array.from({ length: count }, (_, index) =>
      request({
        type: 'set-remote',
        endpoint: index,
        remote: { ...plain, receive: keying('AEAD_AES_256_GCM', index & 127), send: keying('AEAD_AES_256_GCM', 200) },
      }),
    );
    const packed = structuredClone(told.map((one) => packRequest(one, keys)));
    const there = new KeySlots(keys.buffer);
    expect(packed.map((one) => unpackRequest(one, there))).toEqual(told);
    // Afterwards there is room again.
    expect(keys.put(keying('AEAD_AES_256_GCM', 1))).toBeGreaterThanOrEqual(0);
  });

  test('a peer of DTLS, and whatever is rare, crosses as it is', () => {
    const dtls = { role: 'client', fingerprints: [], association: 'one' } as const;
    const rare = request({ type: 'set-remote', endpoint: 1, remote: { ...plain, dtls } });
    expect(packRequest(rare, new KeySlots())).toBe(rare);
    expect(crossed({ type: 'stop' })).toEqual({ type: 'stop' });
  });

  test('a list that nobody of this release wrote is an error without its contents', () => {
    expect(() => unpackRequest([99, 1, 1], new KeySlots())).toThrow('unknown kind 99');
    expect(() => unpackRequest([2, 1, 1, 'secret'], new KeySlots())).toThrow('expected a number, got string');
    expect(() => unpackMessage([5, 1])).toThrow('expected a number, got undefined');
  });
});

describe('the account of a session', () => {
  const none = { packets: 0, bytes: 0 };
  const report: EndpointReport = {
    endpoint: 1,
    received: { packets: 100, bytes: 17_200 },
    sent: { packets: 99, bytes: 18_018 },
    receivedRtcp: { packets: 2, bytes: 200 },
    sentRtcp: none,
    dropped: dropRecord((index) => (index % 4 === 1 ? index : 0)),
    lost: -2,
    jitter: 0.25,
    meanOpinionScore: 4.37,
    codec: 'pcma/8000',
    suite: 'AEAD_AES_256_GCM',
    roundTrip: 12.5,
    oneWay: true,
    latched: { address: '192.0.2.9', port: 4711 },
  };
  const reply = (endpoints: readonly EndpointReport[]): WorkerMessage => ({
    type: 'reply',
    id: 12,
    outcome: { type: 'report', report: { endpoints } },
  });

  test('crosses as plain values and is the same', () => {
    const silent: EndpointReport = {
      ...report,
      endpoint: 2,
      received: none,
      dropped: dropRecord(() => 0),
      meanOpinionScore: undefined,
      codec: undefined,
      suite: undefined,
      roundTrip: undefined,
      latched: undefined,
    };
    const packed = packMessage(reply([report, silent]));
    expect(isCompactList(packed)).toBe(true);
    expect(unpackMessage(structuredClone(packed))).toEqual(reply([report, silent]));
  });

  test('with captures, and any other message, crosses as it is', () => {
    const done: WorkerMessage = { type: 'reply', id: 1, outcome: { type: 'done' } };
    expect(unpackMessage(packMessage(done))).toBe(done);
    const captured: WorkerMessage = {
      type: 'reply',
      id: 2,
      outcome: { type: 'report', report: { endpoints: [report], captures: [] } },
    };
    expect(packMessage(captured)).toBe(captured);
  });
});

test('every reason to drop a packet has its own place in the record', () => {
  expect(Object.keys(dropRecord(() => 0))).toEqual([...dropReasons]);
  expect(Object.values(dropRecord((index) => index))).toEqual(dropReasons.map((_, index) => index));
});
