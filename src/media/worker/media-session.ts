// The endpoints of one call, who is joined to whom, and whether anything still comes from anybody.
import type { Millis } from '../../core/clock.ts';
import type { SocketAddress } from '../../core/socket-address.ts';
import type { MediaSnapshot } from '../plane/media-snapshot.ts';
import type {
  EndpointRemote,
  EndpointReport,
  HeaderCapture,
  MediaError,
  MediaEvent,
  MediaLimit,
  MediaReport,
} from '../plane/messages.ts';
import { Endpoint } from './endpoint.ts';
import type { EndpointCounters } from './endpoint-counters.ts';
import type { EndpointEvents, EndpointRoom, EndpointSockets } from './endpoint-room.ts';

export const sessionLimits = {
  /** Reports of endpoints that were closed before the session. */
  closedReports: 256,
  /** Headers of endpoints that were closed before the session. */
  closedCaptures: 16,
} as const;

/** What a session needs of its worker. */
export interface SessionRoom extends EndpointRoom {
  /** Both directions silent for this long end the call; 0 never. */
  readonly timeout: Millis;
  emit(session: number, event: MediaEvent): void;
  /** Nobody has them any more. */
  releaseSockets(sockets: EndpointSockets): void;
  /** It is not any more what a successor would make of its last state. */
  changed(session: number): void;
  /** Keeps what a closed endpoint counted. */
  retire(counters: EndpointCounters): void;
}

export class MediaSession implements EndpointEvents {
  readonly id: number;
  readonly #room: SessionRoom;
  readonly #endpoints = new Map<number, Endpoint>();
  readonly #closedReports: EndpointReport[] = [];
  readonly #closedCaptures: HeaderCapture[] = [];
  #nextEndpoint = 1;
  #lastHeard: Millis;
  #isPaused = false;
  #hasPeers = false;
  #hasTimedOut = false;

  constructor(id: number, room: SessionRoom) {
    this.id = id;
    this.#room = room;
    this.#lastHeard = room.clock.now();
  }

  get endpoints(): Iterable<Endpoint> {
    return this.#endpoints.values();
  }

  /** It was told of a peer: a successor could not make it of the places of its endpoints alone. */
  get hasPeers(): boolean {
    return this.#hasPeers;
  }

  get endpointCount(): number {
    return this.#endpoints.size;
  }

  add(id: number, sockets: EndpointSockets): Endpoint {
    const endpoint = new Endpoint(id, sockets, this.#room, this);
    this.#nextEndpoint = Math.max(this.#nextEndpoint, id + 1);
    this.#endpoints.set(endpoint.id, endpoint);
    return endpoint;
  }

  /** For a successor. */
  snapshot(): MediaSnapshot {
    const joined: [number, number][] = [];
    for (const { id, partner } of this.#endpoints.values()) {
      if (partner !== undefined && id < partner.id) joined.push([id, partner.id]);
    }
    return {
      version: 2,
      endpoints: Array.from(this.#endpoints.values(), (endpoint) => endpoint.snapshot()),
      joined,
      nextEndpoint: this.#nextEndpoint,
      isPaused: this.#isPaused,
      closed: this.#closedReports,
    };
  }

  /** Goes on from a snapshot, with its sockets open again in the same order. After an error the session must be closed. */
  resume(snapshot: MediaSnapshot, sockets: readonly EndpointSockets[]): MediaError | undefined {
    this.#closedReports.push(...snapshot.closed);
    this.#hasPeers = true;
    for (const [index, { endpoint: id }] of snapshot.endpoints.entries()) {
      const open = sockets[index];
      if (open !== undefined) this.#endpoints.set(id, new Endpoint(id, open, this.#room, this));
    }
    this.#nextEndpoint = snapshot.nextEndpoint;
    for (const [a, b] of snapshot.joined) {
      const refusal = this.join(a, b);
      if (refusal !== undefined) return refusal;
    }
    for (const endpoint of snapshot.endpoints) {
      const refusal = this.#endpoints.get(endpoint.endpoint)?.resume(endpoint);
      if (refusal !== undefined) return refusal;
    }
    this.pauseTimeout(snapshot.isPaused);
    return undefined;
  }

  setRemote(id: number, remote: EndpointRemote): MediaError | undefined {
    const endpoint = this.#endpoints.get(id);
    if (endpoint === undefined) return unknownEndpoint(id);
    const refusal = endpoint.setRemote(remote);
    this.#hasPeers = true;
    this.#restartSilence();
    return refusal;
  }

  /** Whoever was joined to one of the two is joined to nobody now. */
  join(a: number, b: number): MediaError | undefined {
    const first = this.#endpoints.get(a);
    const second = this.#endpoints.get(b);
    if (first === undefined) return unknownEndpoint(a);
    if (second === undefined || first === second) return unknownEndpoint(b);
    this.#restartSilence();
    if (first.partner === second) return undefined;
    first.partner?.feed(undefined);
    second.partner?.feed(undefined);
    first.feed(second);
    second.feed(first);
    return undefined;
  }

  /** All of them or none. */
  closeEndpoints(ids: readonly number[]): MediaError | undefined {
    for (const id of ids) if (!this.#endpoints.has(id)) return unknownEndpoint(id);
    for (const id of ids) this.#closeEndpoint(id);
    return undefined;
  }

  pauseTimeout(isPaused: boolean): void {
    this.#isPaused = isPaused;
    this.#restartSilence();
  }

  onLatched(endpoint: number, remote: SocketAddress): void {
    this.#room.emit(this.id, { type: 'latched', endpoint, remote });
  }

  onChanged(): void {
    this.#room.changed(this.id);
  }

  onUnkeyed(endpoint: number, reason: string): void {
    this.#room.emit(this.id, { type: 'keying-failed', endpoint, reason });
  }

  onOverLimit(endpoint: number, limit: MediaLimit): void {
    this.#room.emit(this.id, { type: 'over-limit', endpoint, limit });
  }

  /** The account of every endpoint until now. */
  report(): MediaReport {
    const open = [...this.#endpoints.values()];
    return reportOf(
      [...this.#closedReports, ...open.map((endpoint) => endpoint.report())],
      [...this.#closedCaptures, ...open.flatMap((endpoint) => endpoint.capture() ?? [])],
    );
  }

  /** A few times a second. */
  onDeadline(now: Millis): void {
    let isJoined = false;
    for (const endpoint of this.#endpoints.values()) {
      endpoint.onDeadline(now);
      this.#lastHeard = Math.max(this.#lastHeard, endpoint.flow.lastHeard);
    }
    for (const endpoint of this.#endpoints.values()) {
      if (endpoint.becomesOneWay(now)) this.#room.emit(this.id, { type: 'one-way', endpoint: endpoint.id });
      isJoined ||= endpoint.partner !== undefined;
    }
    const isSilent = now - this.#lastHeard >= this.#room.timeout;
    if (!isSilent) this.#hasTimedOut = false;
    if (!isSilent || !isJoined || this.#isPaused || this.#hasTimedOut || this.#room.timeout === 0) return;
    this.#hasTimedOut = true;
    this.#room.emit(this.id, { type: 'timeout' });
  }

  /** Closes every endpoint; the account of all of them, the ones closed earlier included. */
  close(): MediaReport {
    for (const id of [...this.#endpoints.keys()]) this.#closeEndpoint(id);
    return reportOf(this.#closedReports, this.#closedCaptures);
  }

  #closeEndpoint(id: number): void {
    const endpoint = this.#endpoints.get(id);
    if (endpoint === undefined) return;
    this.#endpoints.delete(id);
    endpoint.partner?.feed(undefined);
    if (this.#closedReports.length < sessionLimits.closedReports) this.#closedReports.push(endpoint.report());
    const capture = this.#closedCaptures.length < sessionLimits.closedCaptures ? endpoint.capture() : undefined;
    if (capture !== undefined) this.#closedCaptures.push(capture);
    this.#room.retire(endpoint.counters);
    endpoint.close();
    this.#room.releaseSockets(endpoint.sockets);
  }

  #restartSilence(): void {
    const now = this.#room.clock.now();
    this.#lastHeard = now;
    this.#hasTimedOut = false;
    for (const endpoint of this.#endpoints.values()) endpoint.expectMedia(!this.#isPaused, now);
  }
}

function reportOf(endpoints: readonly EndpointReport[], captures: readonly HeaderCapture[]): MediaReport {
  return captures.length === 0 ? { endpoints } : { endpoints, captures };
}

function unknownEndpoint(id: number): MediaError {
  return { code: 'unknown-endpoint', detail: `no other endpoint ${id} in this session` };
}
