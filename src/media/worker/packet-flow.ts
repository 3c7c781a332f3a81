// The way of a packet through one side of a call.
// Source → replay, authentication (srtp) → latch → statistics → the joined side → protection → socket.
// Nothing is learned from a packet that was not proven. RFC 3711 §3.3, RFC 3550 §7.1, RFC 5761, RFC 7362.
import type { Millis } from '../../core/clock.ts';
import type { SocketId } from '../packet-io/packet-io.ts';
import type { EndpointRemote, MediaLimit } from '../plane/messages.ts';
import { HeaderNotes } from '../rtp/packet-headers.ts';
import { isCompoundRtcp, renameRtcpSources } from '../rtp/rtcp-packet.ts';
import { putWord, rtpHeaderBytes, rtpSequence, rtpSsrc } from '../rtp/rtp-packet.ts';
import { concealSourceDescriptions } from '../rtp/source-description.ts';
import { srtpFailure } from '../srtp/srtp-limits.ts';
import { packetKind, packetKindOf } from './demux.ts';
import { dropIndex, dropOfFailure, EndpointCounters } from './endpoint-counters.ts';
import { type DtlsSocket, EndpointDtls } from './endpoint-dtls.ts';
import { EndpointKeys } from './endpoint-keys.ts';
import { EndpointQuality } from './endpoint-quality.ts';
import type { EndpointRoom, EndpointSockets } from './endpoint-room.ts';
import { Latch, standing } from './latch.ts';
import { noPayloadTypes, payloadTypesOf } from './payload-types.ts';
import { RateCap } from './rate-cap.ts';
import { SourceMap } from './source-map.ts';

/** What a flow tells its endpoint. */
export interface FlowEvents {
  /** The RTP of its peer comes from the address at this offset from now on. */
  onLatched(address: number): void;
  /** Where its peer is, or a key, has changed. */
  onChanged(): void;
  /** Its peer sends more than it may; told once. */
  onOverLimit(limit: MediaLimit): void;
}

export class PacketFlow {
  readonly sockets: EndpointSockets;
  readonly counters = new EndpointCounters();
  readonly quality = new EndpointQuality();
  readonly latch: Latch;
  /** Of the RTCP socket, where there is one. */
  readonly rtcpLatch: Latch | undefined;
  readonly keys: EndpointKeys;
  /** With DTLS and an RTCP socket of its own, another handshake gives them; else nothing is ever put here. */
  readonly rtcpKeys: EndpointKeys;
  readonly dtls: EndpointDtls;
  /** How what leaves here is named. */
  readonly sources: SourceMap;
  readonly #room: EndpointRoom;
  readonly #events: FlowEvents;
  /** Only what was proven counts: nobody else can use up what the peer may send. */
  readonly #cap: RateCap;
  #payloadTypes = noPayloadTypes;
  #partner: PacketFlow | undefined;
  #isReady = false;
  #isSending = false;
  #isReceiving = false;
  #awaitsLatch = false;
  #isMuxed = true;
  #isDtls = false;
  readonly #received: HeaderNotes;
  readonly #sent: HeaderNotes;
  /** False once both are full: then no packet asks them. */
  #isNoting = false;
  /** Where the proven peer of RTP stands while the kernel refuses everybody else: packets from there need not be judged. -1: nowhere. */
  #peerAt = -1;
  /** It was heard since `sweep`: when exactly is not written down for each packet, since every word costs with many calls. */
  #isHeard = false;

  constructor(sockets: EndpointSockets, room: EndpointRoom, events: FlowEvents) {
    this.sockets = sockets;
    this.#room = room;
    this.#events = events;
    this.#cap = new RateCap((limit) => events.onOverLimit(limit));
    this.sources = new SourceMap(room.random);
    const owner = `${sockets.address}:${sockets.evenPort}`;
    this.keys = new EndpointKeys(room, `${owner} rtp`, this.sources);
    this.rtcpKeys = new EndpointKeys(room, `${owner} rtcp`, undefined);
    this.latch = new Latch(room.io, sockets.rtp);
    this.rtcpLatch = sockets.rtcp === undefined ? undefined : new Latch(room.io, sockets.rtcp);
    this.#received = new HeaderNotes(room.headerPackets);
    this.#sent = new HeaderNotes(room.headerPackets);
    this.dtls = new EndpointDtls(room.dtls, [
      this.#dtlsSocket(sockets.rtp, this.latch, this.keys),
      ...(sockets.rtcp === undefined || this.rtcpLatch === undefined
        ? []
        : [this.#dtlsSocket(sockets.rtcp, this.rtcpLatch, this.rtcpKeys)]),
    ]);
  }

  /** Its peer may be heard: it is known, and the direction allows it. */
  get expectsMedia(): boolean {
    return this.#isReady && this.#isReceiving;
  }

  /** From now on packets flow by these terms, which were checked; the latches know their addresses already. */
  apply(remote: EndpointRemote, now: Millis): void {
    this.keys.apply(remote);
    this.#payloadTypes = payloadTypesOf(remote);
    this.quality.expectTypes(this.#payloadTypes);
    this.#isMuxed = remote.rtcp === undefined || this.rtcpLatch === undefined;
    this.#isSending = remote.sending;
    this.#isReceiving = remote.receiving;
    this.#awaitsLatch = remote.awaitLatch === true;
    this.#isDtls = remote.dtls !== undefined;
    this.#cap.limitTo(remote.limit, now);
    this.#peerAt = -1;
    this.#isReady = true;
    for (const notes of [this.#received, this.#sent]) notes.reopen();
    this.#isNoting = this.#received.isOpen || this.#sent.isOpen;
    this.dtls.apply(remote);
  }

  /** The first packets each way, for `readHeaders`. */
  get headers(): { readonly received: Uint8Array; readonly sent: Uint8Array } {
    return { received: this.#received.records, sent: this.#sent.records };
  }

  /** A few times a second, before anybody asks when its peer was heard. */
  sweep(now: Millis): void {
    if (this.#isHeard) this.latch.heard(now);
    this.#isHeard = false;
    this.quality.sweep(now);
    this.latch.onDeadline(now);
    this.rtcpLatch?.onDeadline(now);
    this.#peerAt = this.latch.settledAt;
  }

  /** When its peer was heard last, as of the last `sweep`; RTP or RTCP. */
  get lastHeard(): Millis {
    return Math.max(this.latch.lastHeard, this.rtcpLatch?.lastHeard ?? Number.NEGATIVE_INFINITY);
  }

  /** What comes here leaves by `partner` from now on; undefined: nowhere. One direction only. */
  feed(partner: PacketFlow | undefined): void {
    this.#partner = partner;
    if (partner !== undefined) partner.sources.changeFeeder();
  }

  /**
   * Reads what a packet will need that is received here and leaves by the partner: of `preloadLevels`, each what the one before led to. Changes
   * nothing; returns something of it, so that it is read.
   */
  preload(level: number): number {
    const partner = this.#partner;
    switch (level) {
      case 0:
        return this.#peerAt ^ (this.#isHeard ? 1 : 0) ^ (this.#isReady ? 1 : 0);
      case 1:
        return this.#preloadParts() ^ (partner === undefined ? 0 : partner.preload(0));
      case 2:
        return (
          (this.keys.receiver?.preload(0) ?? 0) ^
          this.quality.preload(1) ^
          (partner === undefined ? 0 : partner.#preloadSending())
        );
      case 3:
      case 4:
        return (this.keys.receiver?.preload(level - 2) ?? 0) ^ (partner?.keys.sender?.preload(level - 3) ?? 0);
      default:
        return partner?.keys.sender?.preload(2) ?? 0;
    }
  }

  /** One datagram; `source` is the offset of its sender's socket address. */
  receive(socket: SocketId, offset: number, length: number, source: number): void {
    const kind = packetKindOf(this.#room.io.memory, offset, length);
    const isRtcpSocket = socket === this.sockets.rtcp;
    if (kind === packetKind.dtls) {
      this.#receiveDtls(socket, offset, length, source);
    } else if (kind !== packetKind.rtp && kind !== packetKind.rtcp) {
      this.counters.drop(kind === packetKind.unknown ? dropIndex.malformed : dropIndex['unexpected-protocol']);
    } else if (!this.#isReady) {
      this.counters.drop(dropIndex['not-ready']);
    } else if (kind === packetKind.rtcp) {
      this.#receiveRtcp(isRtcpSocket ? (this.rtcpLatch ?? this.latch) : this.latch, offset, length, source);
    } else if (isRtcpSocket) {
      this.counters.drop(dropIndex.malformed);
    } else {
      this.#receiveRtp(offset, length, source);
    }
  }

  /** Forgets keys and addresses. The sockets are closed by whoever opened them. */
  close(): void {
    this.#isReady = false;
    this.#peerAt = -1;
    this.#partner = undefined;
    this.dtls.close();
    this.keys.close();
    this.rtcpKeys.close();
    this.latch.close();
    this.rtcpLatch?.close();
  }

  #preloadParts(): number {
    const { sockets, keys, counters, quality } = this;
    return sockets.rtp ^ (keys.isAwaited ? 1 : 0) ^ counters.receivedPackets ^ quality.preload(0) ^ this.#cap.preload();
  }

  #preloadSending(): number {
    const { sockets, keys, counters, latch, sources } = this;
    return sockets.rtp ^ (keys.isAwaited ? 1 : 0) ^ counters.sentPackets ^ latch.destination ^ sources.preload();
  }

  #receiveDtls(socket: SocketId, offset: number, length: number, source: number): void {
    if (this.#isReady) {
      const dropped = this.dtls.receive(socket, offset, length, source);
      if (dropped !== delivered) this.counters.drop(dropped);
    } else {
      this.dtls.hold(socket, offset, length, source);
      this.counters.drop(dropIndex['not-ready']);
    }
  }

  #receiveRtp(offset: number, received: number, source: number): void {
    const { memory } = this.#room.io;
    const now = this.#room.clock.now();
    const isSettled = source === this.#peerAt;
    if (!isSettled && this.latch.judge(source, now) === standing.foreign) {
      this.counters.drop(dropIndex.foreign);
      return;
    }
    if (this.keys.isAwaited) {
      this.counters.drop(dropIndex['not-keyed']);
      return;
    }
    const length =
      this.keys.receiver?.unprotectRtp(offset, received) ??
      (rtpHeaderBytes(memory, offset, received) < 0 ? srtpFailure.malformed : received);
    if (length < 0) {
      this.counters.drop(dropOfFailure(length));
      return;
    }
    if (isSettled) this.#isHeard = true;
    else this.#proven(this.latch, source, now);
    this.counters.receivedPackets += 1;
    this.counters.receivedBytes += received;
    this.quality.received(memory, offset, now, received);
    if (this.#isNoting) this.#note(this.#received, offset, received, 'rtp');
    const dropped = this.#cap.isOver(received, now) ? dropIndex['over-limit'] : this.#forwardRtp(offset, length);
    if (dropped !== delivered) this.counters.drop(dropped);
  }

  #forwardRtp(offset: number, length: number): number {
    if (!this.#isReceiving) return dropIndex.held;
    if (this.#partner === undefined) return dropIndex['not-joined'];
    const { bytes } = this.#room.io.memory;
    if (!this.#payloadTypes.isIdentity) bytes[offset + 1] = this.#payloadTypes.rename(bytes[offset + 1] ?? 0);
    return this.#partner.#sendRtp(offset, length);
  }

  /** `delivered`, or the index of a drop reason. */
  #sendRtp(offset: number, plainLength: number): number {
    const blocked = this.#blockedBy(this.latch, this.keys, this.#isSending);
    if (blocked !== delivered) return blocked;
    let length = plainLength;
    const { sender } = this.keys;
    if (sender !== undefined) {
      const { memory } = this.#room.io;
      const ssrc = rtpSsrc(memory, offset);
      putWord(memory, offset + 8, this.sources.translate(ssrc));
      length = sender.protectRtp(offset, plainLength);
      if (length === srtpFailure.indexBehind && this.sources.isRestart(ssrc, rtpSequence(memory, offset))) {
        putWord(memory, offset + 8, this.sources.translate(ssrc));
        length = sender.protectRtp(offset, plainLength);
      }
      if (length < 0) return dropOfFailure(length);
      this.sources.accepted();
    }
    if (this.#isNoting) this.#note(this.#sent, offset, length, 'rtp');
    this.#room.io.send(this.sockets.rtp, offset, length, this.latch.destination);
    this.counters.sentPackets += 1;
    this.counters.sentBytes += length;
    return delivered;
  }

  #receiveRtcp(latch: Latch, offset: number, received: number, source: number): void {
    const { memory } = this.#room.io;
    const now = this.#room.clock.now();
    if (latch.judge(source, now) === standing.foreign) {
      this.counters.drop(dropIndex.foreign);
      return;
    }
    const keys = this.#keysAt(latch);
    if (keys.isAwaited) {
      this.counters.drop(dropIndex['not-keyed']);
      return;
    }
    const length = keys.receiver?.unprotectRtcp(offset, received) ?? received;
    if (length < 0) {
      this.counters.drop(dropOfFailure(length));
      return;
    }
    if (!isCompoundRtcp(memory, offset, length)) {
      this.counters.drop(dropIndex.malformed);
      return;
    }
    this.#proven(latch, source, now);
    this.counters.receivedRtcpPackets += 1;
    this.counters.receivedRtcpBytes += received;
    this.quality.roundTrip.received(memory, offset, length, now);
    if (this.#isNoting) this.#note(this.#received, offset, received, 'rtcp');
    const dropped = this.#cap.isOver(received, now) ? dropIndex['over-limit'] : this.#forwardRtcp(offset, length);
    if (dropped !== delivered) this.counters.drop(dropped);
  }

  #forwardRtcp(offset: number, length: number): number {
    const partner = this.#partner;
    if (partner === undefined) return dropIndex['not-joined'];
    const { memory } = this.#room.io;
    // Who speaks is renamed as its packets are; who is spoken about was renamed on the way to this peer.
    renameRtcpSources(memory, offset, length, partner.sources, this.sources.originals);
    concealSourceDescriptions(memory, offset, length, this.#room.nameSecret);
    return partner.#sendRtcp(offset, length);
  }

  #sendRtcp(offset: number, plainLength: number): number {
    const latch = this.#isMuxed ? this.latch : (this.rtcpLatch ?? this.latch);
    const keys = this.#keysAt(latch);
    const blocked = this.#blockedBy(latch, keys, true);
    if (blocked !== delivered) return blocked;
    this.quality.roundTrip.sent(this.#room.io.memory, offset, plainLength, this.#room.clock.now());
    const length = keys.sender?.protectRtcp(offset, plainLength) ?? plainLength;
    if (length < 0) return dropOfFailure(length);
    const socket = this.#isMuxed ? this.sockets.rtp : (this.sockets.rtcp ?? this.sockets.rtp);
    if (this.#isNoting) this.#note(this.#sent, offset, length, 'rtcp');
    this.#room.io.send(socket, offset, length, latch.destination);
    this.counters.sentRtcpPackets += 1;
    this.counters.sentRtcpBytes += length;
    return delivered;
  }

  #note(notes: HeaderNotes, offset: number, length: number, kind: 'rtp' | 'rtcp'): void {
    notes.note(this.#room.io.memory, offset, length, kind, this.#room.clock.wall());
    this.#isNoting = this.#received.isOpen || this.#sent.isOpen;
  }

  #blockedBy(latch: Latch, keys: EndpointKeys, isAllowed: boolean): number {
    if (!this.#isReady || latch.destination < 0) return dropIndex['not-joined'];
    if (keys.isAwaited) return dropIndex['not-keyed'];
    if (!isAllowed) return dropIndex.held;
    return this.#awaitsLatch && !latch.isProven ? dropIndex['not-latched'] : delivered;
  }

  /** RTCP that has a handshake of its own has keys of its own (RFC 5764 §5.1.1). */
  #keysAt(latch: Latch): EndpointKeys {
    return this.#isDtls && latch === this.rtcpLatch ? this.rtcpKeys : this.keys;
  }

  #dtlsSocket(socket: SocketId, latch: Latch, keys: EndpointKeys): DtlsSocket {
    return {
      socket,
      latch,
      keys,
      onKeyed: (address) => {
        this.#proven(latch, address, this.#room.clock.now());
        this.#events.onChanged();
      },
    };
  }

  #proven(latch: Latch, source: number, now: Millis): void {
    // Whether another place may take over depends on how long the peer has been silent.
    if (this.#isHeard && latch === this.latch) latch.heard(now);
    const isElsewhere = latch.prove(source, now);
    this.#peerAt = this.latch.settledAt;
    if (!isElsewhere) return;
    this.#events.onChanged();
    if (latch === this.latch) this.#events.onLatched(latch.destination);
  }
}

/** How many levels `PacketFlow.preload` has. */
export const preloadLevels = 6;

/** Not a drop reason. */
const delivered = -1;
