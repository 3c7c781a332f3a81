// The media ports of a worker: bound ahead and granted to the main thread, which gives them out by itself; in a session; or at rest.
// A packet for a socket that no session has is discarded by the relay, so that nothing sent before a port is given out changes
// anything. Sockets of a call that has ended stay open while their ports rest, and serve another one afterwards.
import type { Clock, Millis } from '../../core/clock.ts';
import type { Random } from '../../core/random.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { LeftSockets } from '../packet-io/left-sockets.ts';
import type { OpenError, PacketIo, SocketOptions } from '../packet-io/packet-io.ts';
import type { MediaError, PortPlace } from '../plane/messages.ts';
import type { PortRequest } from '../plane/worker-protocol.ts';
import type { EndpointSockets } from './endpoint-room.ts';
import { PortPool, type PortRange } from './port-pool.ts';
import { SocketPairs } from './socket-pairs.ts';

export const stockLimits = {
  /** Local addresses; configuration names a few. */
  addresses: 64,
  /** Pairs that are tried for one place while others hold them. */
  attempts: 64,
  /** Pairs for one request: nothing is relayed while they are bound. */
  atOnce: 32,
  /** Sockets that nobody has wanted for so long after their rest are closed … */
  idle: 60_000,
  /** … so many pairs at a time. */
  closedAtOnce: 64,
} as const;

export interface StockSettings {
  readonly ports: PortRange;
  readonly quarantine: Millis;
  readonly socketOptions: SocketOptions;
  /** While fewer sockets are open, those of calls that have ended are kept, and more are bound than are needed at once. */
  readonly keepBelow: number;
}

/** What a request brought: fewer places than it asked for where there were no more, and then why. */
export interface Granted {
  readonly places: readonly PortPlace[];
  readonly error: MediaError | undefined;
}

type Opened = Result<readonly EndpointSockets[], MediaError>;

interface Resting {
  readonly sockets: EndpointSockets;
  readonly until: Millis;
}

/** One local address. */
interface Address {
  readonly pool: PortPool;
  /** Open sockets that nobody has, those of calls in the order in which they may be used again. Their pairs stay taken in the pool. */
  readonly resting: Set<Resting>;
  /** The same, that no call had. */
  readonly unused: Set<Resting>;
}

export class PortStock {
  readonly #settings: StockSettings;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #pairs: SocketPairs;
  readonly #addresses = new Map<string, Address>();
  /** By address and even port: what the main thread may give out. */
  readonly #granted = new Map<string, EndpointSockets>();
  #ports: PortRange;
  /** Of a worker that has ended, whose sessions go on here. */
  #left: LeftSockets | undefined;
  #inSessions = 0;

  constructor(io: PacketIo, settings: StockSettings, clock: Clock, random: Random) {
    this.#settings = settings;
    this.#ports = settings.ports;
    this.#clock = clock;
    this.#random = random;
    this.#pairs = new SocketPairs(io, settings.socketOptions);
  }

  /** Ports that sessions have. */
  get portsInUse(): number {
    return this.#inSessions;
  }

  /** The ports of another worker from now on, and the sockets that it left. Before anything is opened. */
  succeed(ports: PortRange, left: LeftSockets): void {
    this.#ports = ports;
    this.#left = left;
  }

  /** Binds pairs ahead. Calls back once, before it returns when the driver opens at once. */
  grant(request: PortRequest, onGranted: (granted: Granted) => void): void {
    const at = this.#addressOf(request.address);
    if (at === undefined) {
      const detail = `more than ${stockLimits.addresses} media addresses`;
      onGranted({ places: [], error: { code: 'address-not-available', detail } });
      return;
    }
    const isRoomy = this.#pairs.openCount < this.#settings.keepBelow;
    if (!isRoomy) this.#closeResting(stockLimits.atOnce, () => true);
    const count = Math.min(isRoomy ? request.count : request.needed, stockLimits.atOnce);
    this.#grantNext(request, at, count, [], onGranted);
  }

  /** Granted places that nobody was given. */
  giveBack(places: readonly PortPlace[]): void {
    for (const { address, rtpPort } of places) {
      const sockets = this.#takeGranted(address, rtpPort);
      // They need no rest, and serve the other kind of endpoint as well.
      if (sockets !== undefined) this.#addressOf(address)?.unused.add({ sockets, until: this.#clock.now() });
    }
  }

  /** The sockets of places that were granted, or that a session had elsewhere: all of them or none. Calls back as `grant` does. */
  open(places: readonly PortPlace[], onOpened: (opened: Opened) => void): void {
    this.#openNext(places, [], true, onOpened);
  }

  /** Of places that a session had elsewhere; what is granted here is somebody else's. */
  reopen(places: readonly PortPlace[], onOpened: (opened: Opened) => void): void {
    this.#openNext(places, [], false, onOpened);
  }

  /** A session has no use for them any more. */
  close(sockets: EndpointSockets): void {
    this.#inSessions -= sizeOf(sockets);
    const at = this.#addresses.get(sockets.address);
    if (at !== undefined && this.#pairs.openCount < this.#settings.keepBelow) {
      this.#pairs.rest(sockets);
      at.resting.add({ sockets, until: this.#clock.now() + this.#settings.quarantine });
      return;
    }
    this.#pairs.close(sockets);
    at?.pool.release(sockets.evenPort);
  }

  /** Closes what nobody has wanted for long. A few times a second. */
  tidy(now: Millis): void {
    this.#closeResting(stockLimits.closedAtOnce, ({ until }) => until + stockLimits.idle <= now);
  }

  /** Closes everything that no session has and that is not granted. */
  closeIdle(): void {
    this.#closeResting(Number.POSITIVE_INFINITY, () => true);
  }

  #grantNext(
    request: PortRequest,
    at: Address,
    count: number,
    places: readonly PortPlace[],
    onGranted: (granted: Granted) => void,
  ): void {
    if (places.length >= count) {
      onGranted({ places, error: undefined });
      return;
    }
    this.#openPair(request, at, stockLimits.attempts, (opened) => {
      if (!opened.ok) {
        onGranted({ places, error: opened.error });
        return;
      }
      const { address, evenPort, rtcp } = opened.value;
      this.#granted.set(keyOf(address, evenPort), opened.value);
      const place = { address, rtpPort: evenPort, rtcpPort: rtcp === undefined ? undefined : evenPort + 1 };
      this.#grantNext(request, at, count, [...places, place], onGranted);
    });
  }

  #openPair(
    request: PortRequest,
    at: Address,
    attempts: number,
    onOpened: (opened: Result<EndpointSockets, MediaError>) => void,
  ): void {
    const { address, rtcpMux } = request;
    const rested = this.#takeRested(at);
    const evenPort = rested?.evenPort ?? (attempts > 0 ? at.pool.take() : undefined);
    if (evenPort === undefined) {
      onOpened(err({ code: 'no-ports', detail: `no media port is free on ${address}` }));
      return;
    }
    const onPair = (opened: Result<EndpointSockets, OpenError>): void => {
      if (opened.ok) {
        onOpened(opened);
      } else if (opened.error.code === 'in-use') {
        // A pair that somebody else holds rests like one that was used: the next attempts pass it over.
        at.pool.release(evenPort);
        this.#openPair(request, at, attempts - 1, onOpened);
      } else {
        at.pool.releaseUnused(evenPort);
        onOpened(err(mediaErrorOf(opened.error, address)));
      }
    };
    if (rested !== undefined) this.#pairs.convert(rested, rtcpMux, onPair);
    else this.#pairs.open(placeOf(address, evenPort, rtcpMux), undefined, onPair);
  }

  #openNext(
    places: readonly PortPlace[],
    opened: readonly EndpointSockets[],
    mayBeGranted: boolean,
    onOpened: (opened: Opened) => void,
  ): void {
    const place = places[opened.length];
    if (place === undefined) {
      onOpened(ok(opened));
      return;
    }
    const next = (sockets: EndpointSockets): void => {
      this.#inSessions += sizeOf(sockets);
      this.#openNext(places, [...opened, sockets], mayBeGranted, onOpened);
    };
    const fail = (error: MediaError): void => {
      for (const sockets of opened) this.close(sockets);
      onOpened(err(error));
    };
    const { address, rtpPort } = place;
    const granted = mayBeGranted ? this.#takeGranted(address, rtpPort) : undefined;
    if (granted !== undefined) {
      next(granted);
      return;
    }
    const pool = this.#addressOf(address)?.pool;
    if (pool?.claim(rtpPort) !== true) {
      fail({ code: 'no-ports', detail: `${address}:${rtpPort} is taken by another session` });
      return;
    }
    this.#pairs.open(place, this.#left, (result) => {
      if (result.ok) {
        next(result.value);
        return;
      }
      pool.releaseUnused(rtpPort);
      const { error } = result;
      fail(error.code === 'in-use' ? { code: 'no-ports', detail: error.detail } : mediaErrorOf(error, address));
    });
  }

  #takeGranted(address: string, evenPort: number): EndpointSockets | undefined {
    const key = keyOf(address, evenPort);
    const sockets = this.#granted.get(key);
    this.#granted.delete(key);
    return sockets;
  }

  /** A pair whose rest is over. */
  #takeRested({ resting, unused }: Address): EndpointSockets | undefined {
    const from = unused.size > 0 ? unused : resting;
    const [first] = from;
    if (first === undefined || first.until > this.#clock.now()) return undefined;
    from.delete(first);
    return first.sockets;
  }

  /** At most so many, the oldest first. */
  #closeResting(count: number, isOver: (resting: Resting) => boolean): void {
    let left = count;
    for (const { pool, unused, resting } of this.#addresses.values()) {
      for (const from of [unused, resting]) {
        for (const one of from) {
          if (left === 0 || !isOver(one)) break;
          left -= 1;
          from.delete(one);
          this.#pairs.close(one.sockets);
          if (one.until > this.#clock.now()) pool.release(one.sockets.evenPort);
          else pool.releaseUnused(one.sockets.evenPort);
        }
      }
    }
  }

  #addressOf(address: string): Address | undefined {
    const known = this.#addresses.get(address);
    if (known !== undefined) return known;
    if (this.#addresses.size >= stockLimits.addresses) return undefined;
    const pool = new PortPool(this.#ports, this.#settings.quarantine, this.#clock, this.#random);
    const at: Address = { pool, resting: new Set(), unused: new Set() };
    this.#addresses.set(address, at);
    return at;
  }
}

function keyOf(address: string, evenPort: number): string {
  return `${address} ${evenPort}`;
}

function placeOf(address: string, evenPort: number, rtcpMux: boolean): PortPlace {
  return { address, rtpPort: evenPort, rtcpPort: rtcpMux ? undefined : evenPort + 1 };
}

function sizeOf({ rtcp }: EndpointSockets): number {
  return rtcp === undefined ? 1 : 2;
}

function mediaErrorOf({ code, detail }: OpenError, address: string): MediaError {
  if (code === 'not-available') return { code: 'address-not-available', detail: `${address}: ${detail}` };
  if (code === 'descriptors-exhausted') return { code: 'descriptors-exhausted', detail };
  return { code: 'internal', detail: `${address}: ${detail}` };
}
