// What a packet costs in the worker besides the driver: endpoint, latch, SRTP, statistics. No sockets: what would be sent is
// dropped. Usage: node bench/micro/relay.ts [calls=500] [srtp|plain] [rounds=5] [packets a round=400000] [kept|v8] [at a time=32]
import { systemClock } from '../../src/core/clock.ts';
import { systemRandom } from '../../src/core/random.ts';
import { ok, type Result } from '../../src/core/result.ts';
import { createKeptArena, createLargeArena } from '../../src/media/native/arena-memory.ts';
import { loadLibc } from '../../src/media/native/libc.ts';
import { opensslCipherFactory } from '../../src/media/native/openssl-cipher.ts';
import { MemoryRecord } from '../../src/media/packet-io/memory-record.ts';
import {
  announcedAtOnce,
  type OpenError,
  type SocketId,
  type SocketOptions,
} from '../../src/media/packet-io/packet-io.ts';
import { PacketIoBase } from '../../src/media/packet-io/packet-io-base.ts';
import type { WorkerMessage } from '../../src/media/plane/worker-protocol.ts';
import type { SrtpKeying } from '../../src/media/srtp/profile.ts';
import { SrtpSender } from '../../src/media/srtp/srtp-sender.ts';
import { Relay } from '../../src/media/worker/relay.ts';

const calls = Number(process.argv[2] ?? 500);
const isProtected = (process.argv[3] ?? 'srtp') === 'srtp';
const rounds = Number(process.argv[4] ?? 5);
const packetsPerRound = Number(process.argv[5] ?? 400_000);
const payloadBytes = 172;
/** Packets that are told of before the first of them comes, as by a driver; 0: none are. */
const together = Number(process.argv[7] ?? 32);
const ahead = new Int32Array(announcedAtOnce);

class NoIo extends PacketIoBase {
  readonly driver = 'dgram';
  readonly wakeHandle = { kind: 'message' } as const;
  sends = 0;
  #sockets = 0;

  open(
    _address: string,
    _port: number,
    _options: SocketOptions,
    onOpened: (o: Result<SocketId, OpenError>) => void,
  ): void {
    this.#sockets += 1;
    onOpened(ok(this.#sockets - 1));
  }
  localPort(socket: SocketId): number {
    return 20_000 + socket;
  }
  latch(): void {}
  unlatch(): void {}
  send(): void {
    this.sends += 1;
  }
  acquire(): number {
    return -1;
  }
  close(): void {}
  leave(): void {}
  run(): Promise<void> {
    return Promise.resolve();
  }
  stop(): void {}
  dispose(): void {}
}

/** Below 2^31, as a worker's, or anywhere. */
const isKept = (process.argv[6] ?? 'kept') === 'kept';
const arenaBytes = 1 << 26;
const arena = isKept
  ? createKeptArena(loadLibc(), arenaBytes, new MemoryRecord(), () => 0)
  : createLargeArena(loadLibc(), arenaBytes);
const io = new NoIo({
  arena,
  clock: systemClock,
  maxSockets: 2 * calls,
  packetSlots: 1,
  ownSlots: 1,
  addressSlots: 6 * calls + 8,
  hasCanaries: false,
  completionEntries: undefined,
});
const ciphers = opensslCipherFactory(arena);
if (!ciphers.ok) throw new Error(ciphers.error);
const relay = new Relay(
  {
    io,
    ciphers: ciphers.value,
    dtls: undefined,
    clock: systemClock,
    random: systemRandom,
    post: (message: WorkerMessage) => {
      if (message.type === 'refused') throw new Error(message.error.detail);
    },
    postSoon: () => {},
    flush: () => {},
    takeCommands: () => {},
    beat: () => {},
    took: () => {},
  },
  {
    ports: { first: 1024, last: 65_535 },
    quarantine: 0,
    timeout: 0,
    headerPackets: 0,
    keepBelow: 0,
    socketOptions: { dscp: 0, receiveBufferBytes: 0 },
  },
);
const phone = io.allocateAddress();
const pbx = io.allocateAddress();
const phoneAt = { address: '127.0.0.1', port: 4000 };
const pbxAt = { address: '127.0.0.1', port: 5000 };
io.writeAddress(phone, phoneAt);
io.writeAddress(pbx, pbxAt);
const keying = (seed: number): SrtpKeying => ({
  suite: 'AES_CM_128_HMAC_SHA1_80',
  masterKey: new Uint8Array(16).fill(seed),
  masterSalt: new Uint8Array(14).fill(seed + 1),
});
for (let call = 0; call < calls; call++) openCall(call);

const packet = arena.allocate(4096);
const phones = Array.from({ length: calls }, (_, call) => new SrtpSender(keying(call & 0x7f), ciphers.value));
/** Packets come in no order that memory has. */
const order = shuffled(calls);
let sequence = 0;
console.log(
  `Node ${process.version}, ${calls} calls, ${isProtected ? 'SRTP' : 'plain RTP'} outside, ${payloadBytes} B`,
);
console.log(
  `inside → outside ${Math.round(best((call) => relay.onPacket(2 * call + 1, packet, writePacket(), pbx), 1))} ns`,
);
const others = Array.from({ length: calls }, (_, call) => new SrtpSender(keying(call & 0x7f), ciphers.value));
const protect = best((call) => others[call]?.protectRtp(packet, writePacket()), undefined);
const outward = best((call) => {
  const length = writePacket();
  const sent = isProtected ? (phones[call]?.protectRtp(packet, length) ?? 0) : length;
  relay.onPacket(2 * call, packet, sent, phone);
}, 0);
console.log(`outside → inside ${Math.round(outward - (isProtected ? protect : 0))} ns`);
console.log(`sent ${io.sends} of ${2 * rounds * packetsPerRound}`);

function openCall(call: number): void {
  const send = (command: Parameters<Relay['handle']>[0]['command']): void =>
    relay.handle({ id: 0, session: call, command });
  send({ type: 'open-session' });
  const place = (endpoint: number) => ({
    endpoint,
    address: '127.0.0.1',
    rtpPort: 1024 + 2 * (2 * call + endpoint - 1),
    rtcpPort: undefined,
  });
  send({ type: 'open-endpoints', endpoints: [place(1), place(2)] });
  const both = { rtcp: undefined, sending: true, receiving: true, payloadTypes: [] };
  const keys = (seed: number) => (isProtected ? keying(seed) : undefined);
  const latching = isProtected ? ({ kind: 'authenticated' } as const) : ({ kind: 'signalled' } as const);
  const outside = { ...both, rtp: phoneAt, receive: keys(call & 0x7f), send: keys((call & 0x7f) + 1), latching };
  const inside = { ...both, rtp: pbxAt, receive: undefined, send: undefined, latching: { kind: 'signalled' } as const };
  send({ type: 'set-remote', endpoint: 1, remote: outside });
  send({ type: 'set-remote', endpoint: 2, remote: inside });
  send({ type: 'join', a: 1, b: 2 });
}

/** A call's sequence number grows by one a round through all calls. */
function writePacket(): number {
  const number = Math.floor(sequence / calls) & 0xffff;
  sequence += 1;
  arena.view.setUint32(packet, (0x8000_0000 | number) >>> 0);
  arena.view.setUint32(packet + 4, number * 160);
  arena.view.setUint32(packet + 8, 0x1234_5678);
  return payloadBytes;
}

/** `side` is added to twice the number of a call to have the socket that its packet comes to; undefined: to none. */
function best(run: (call: number) => void, side: 0 | 1 | undefined): number {
  let lowest = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage();
    for (let count = 0; count < packetsPerRound; count++) {
      if (side !== undefined && together > 0 && count % together === 0) announce(side);
      run(order[sequence % calls] ?? 0);
    }
    const { user, system } = process.cpuUsage(before);
    lowest = Math.min(lowest, ((user + system) * 1000) / packetsPerRound);
  }
  return lowest;
}

function announce(side: 0 | 1): void {
  for (let at = 0; at < together; at++) ahead[at] = 2 * (order[(sequence + at) % calls] ?? 0) + side;
  relay.onAhead(ahead, together);
}

function shuffled(count: number): Int32Array {
  const numbers = Int32Array.from({ length: count }, (_, index) => index);
  for (let index = count - 1; index > 0; index--) {
    const other = systemRandom.below(index + 1);
    [numbers[index], numbers[other]] = [numbers[other] ?? 0, numbers[index] ?? 0];
  }
  return numbers;
}
