// One side of a call's media, as its session sees it: what is known of the peer, who is joined, what it came to. Its packets go
// their way in `packet-flow.ts`. RFC 3264 §8 (what an exchange changes), RFC 7362.
import type { Millis } from '../../core/clock.ts';
import type { SocketAddress } from '../../core/socket-address.ts';
import type { EndpointSnapshot } from '../plane/media-snapshot.ts';
import type { EndpointRemote, EndpointReport, HeaderCapture, MediaError } from '../plane/messages.ts';
import type { EndpointCounters } from './endpoint-counters.ts';
import type { EndpointEvents, EndpointRoom, EndpointSockets } from './endpoint-room.ts';
import { PacketFlow } from './packet-flow.ts';
import { checkAddresses, notNumeric } from './remote-check.ts';

export class Endpoint {
  readonly id: number;
  readonly sockets: EndpointSockets;
  readonly flow: PacketFlow;
  readonly #room: EndpointRoom;
  readonly #events: EndpointEvents;
  #partner: Endpoint | undefined;
  #unkeyedSince: Millis = 0;
  /** What is known of the peer, without keys. */
  #remote: EndpointRemote | undefined;

  constructor(id: number, sockets: EndpointSockets, room: EndpointRoom, events: EndpointEvents) {
    this.id = id;
    this.sockets = sockets;
    this.#room = room;
    this.#events = events;
    this.flow = new PacketFlow(sockets, room, {
      onLatched: (address) => events.onLatched(id, room.io.readAddress(address)),
      onChanged: () => events.onChanged(),
      onOverLimit: (limit) => events.onOverLimit(id, limit),
    });
  }

  /** What it received leaves here, and the other way round. */
  get partner(): Endpoint | undefined {
    return this.#partner;
  }

  get counters(): EndpointCounters {
    return this.flow.counters;
  }

  /** Replaces what is known of the peer; nothing has changed when it returns an error. */
  setRemote(remote: EndpointRemote): MediaError | undefined {
    const now = this.#room.clock.now();
    const { keys, dtls, latch, rtcpLatch } = this.flow;
    const refusal = keys.check(remote) ?? dtls.check(remote) ?? checkAddresses(this.sockets.address, remote);
    if (refusal !== undefined) return refusal;
    if (!latch.signal(remote.rtp, remote.latching, now)) return notNumeric(remote.rtp);
    if (remote.rtcp !== undefined) rtcpLatch?.signal(remote.rtcp, remote.latching, now);
    this.flow.apply(remote, now);
    this.#unkeyedSince = now;
    this.#remote = { ...remote, receive: undefined, send: undefined };
    return undefined;
  }

  /** For a successor. */
  snapshot(): EndpointSnapshot {
    const { io } = this.#room;
    const { address, rtp, rtcp } = this.sockets;
    const { keys, rtcpKeys, dtls, latch, rtcpLatch, sources } = this.flow;
    return {
      endpoint: this.id,
      address,
      rtpPort: io.localPort(rtp),
      rtcpPort: rtcp === undefined ? null : io.localPort(rtcp),
      remote: this.#remote ?? null,
      keys: keys.snapshot(),
      rtcpKeys: rtcpKeys.snapshot(),
      keyedBy: dtls.keyedBy(rtp),
      rtcpKeyedBy: rtcp === undefined ? null : dtls.keyedBy(rtcp),
      latched: latch.peer ?? null,
      rtcpLatched: rtcpLatch?.peer ?? null,
      sources: sources.names,
      report: this.report(),
    };
  }

  /** Goes on where another process or worker stopped; `join` comes first. Nothing has changed when it returns an error. */
  resume(snapshot: EndpointSnapshot): MediaError | undefined {
    const { remote, keys, rtcpKeys, keyedBy, rtcpKeyedBy, latched, rtcpLatched, sources, report } = snapshot;
    const { flow } = this;
    const [opened, rtcpOpened] = [flow.keys.open(keys), flow.rtcpKeys.open(rtcpKeys)];
    if (opened === undefined || rtcpOpened === undefined) {
      return { code: 'bad-key', detail: 'the keys of the snapshot were not sealed here' };
    }
    const { rtp, rtcp } = this.sockets;
    if (keyedBy !== null) flow.dtls.resume(rtp, keyedBy);
    if (rtcp !== undefined && rtcpKeyedBy !== null) flow.dtls.resume(rtcp, rtcpKeyedBy);
    const refusal = remote === null ? undefined : this.setRemote(remote);
    if (refusal !== undefined) return refusal;
    const now = this.#room.clock.now();
    if (latched !== null) flow.latch.resume(latched, now);
    if (rtcpLatched !== null) flow.rtcpLatch?.resume(rtcpLatched, now);
    // Those that are awaited come from another peer: the ones of before no longer count.
    if (!flow.rtcpKeys.isAwaited) flow.rtcpKeys.resume(rtcpKeys, rtcpOpened);
    if (!flow.keys.isAwaited) flow.sources.resume(sources, flow.keys.resume(keys, opened));
    flow.counters.resume(report);
    flow.quality.resume(report);
    return undefined;
  }

  /** Packets of this endpoint leave by `partner` from now on; undefined: by none. One direction only. */
  feed(partner: Endpoint | undefined): void {
    this.#partner = partner;
    this.#unkeyedSince = this.#room.clock.now();
    this.flow.feed(partner?.flow);
  }

  /** A few times a second. */
  onDeadline(now: Millis): void {
    const { dtls, keys } = this.flow;
    this.flow.sweep(now);
    dtls.onDeadline(now);
    if (!keys.isAwaited || this.#partner === undefined || now - this.#unkeyedSince < keyingDeadline) return;
    this.#unkeyedSince = now;
    this.#events.onUnkeyed(this.id, dtls.failure ?? 'no DTLS handshake came to an end');
  }

  /** Its peer should be heard, or not (hold, before the answer); what was silent before does not count. */
  expectMedia(isExpected: boolean, now: Millis): void {
    const { heard } = this.flow.quality;
    if (isExpected && this.flow.expectsMedia) heard.expect(now);
    else heard.expectNothing();
  }

  /** True at the moment when its peer is found silent while the partner's is heard. */
  becomesOneWay(now: Millis): boolean {
    return this.#partner !== undefined && this.flow.quality.heard.becomesOneWay(this.#partner.flow.quality.heard, now);
  }

  report(): EndpointReport {
    const { counters, quality, keys, latch } = this.flow;
    return {
      endpoint: this.id,
      ...counters.account(),
      ...quality.report(),
      suite: keys.suite,
      latched: latch.peer,
    };
  }

  /** The headers of its first packets; undefined where none were noted. */
  capture(): HeaderCapture | undefined {
    const { received, sent } = this.flow.headers;
    if (received.length + sent.length === 0) return undefined;
    const { io } = this.#room;
    const { address, rtp, rtcp } = this.sockets;
    const { latch, rtcpLatch } = this.flow;
    const remote = latch.known ?? nowhere;
    return {
      endpoint: this.id,
      local: { address, port: io.localPort(rtp) },
      localRtcp: { address, port: io.localPort(rtcp ?? rtp) },
      remote,
      remoteRtcp: rtcpLatch?.known ?? remote,
      received,
      sent,
    };
  }

  /** Forgets keys and addresses. The sockets are closed by whoever opened them. */
  close(): void {
    this.#partner = undefined;
    this.flow.close();
  }
}

const nowhere: SocketAddress = { address: '0.0.0.0', port: 0 };

/** How long media may be expected without keys before the session is told. */
const keyingDeadline: Millis = 20_000;
