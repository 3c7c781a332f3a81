// Sockets for endpoints, all of them or none. A port that is taken by somebody else is passed over, and nothing leaks.
import type { Clock, Millis } from '../../core/clock.ts';
import type { Random } from '../../core/random.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { LeftSockets } from '../packet-io/left-sockets.ts';
import type { OpenError, PacketIo, SocketId, SocketOptions } from '../packet-io/packet-io.ts';
import type { EndpointSpec, MediaError } from '../plane/messages.ts';
import type { EndpointSockets } from './endpoint-room.ts';
import { PortPool, type PortRange } from './port-pool.ts';

export const openerLimits = {
  /** Local addresses; configuration names a few. */
  addresses: 64,
  /** Pairs that are tried for one endpoint while others hold them. */
  attempts: 64,
} as const;

export interface OpenerSettings {
  readonly ports: PortRange;
  readonly quarantine: Millis;
  readonly socketOptions: SocketOptions;
}

/** Where the sockets of an endpoint were. */
export interface SocketPlaces {
  readonly address: string;
  readonly rtpPort: number;
  readonly rtcpPort: number | null;
}

type Opened = Result<readonly EndpointSockets[], MediaError>;

export class EndpointOpener {
  readonly #io: PacketIo;
  readonly #settings: OpenerSettings;
  #ports: PortRange;
  /** Of a worker that has ended, whose sessions go on here. */
  #left: LeftSockets | undefined;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #pools = new Map<string, PortPool>();
  #socketsInUse = 0;

  constructor(io: PacketIo, settings: OpenerSettings, clock: Clock, random: Random) {
    this.#io = io;
    this.#settings = settings;
    this.#ports = settings.ports;
    this.#clock = clock;
    this.#random = random;
  }

  /** Ports with a socket of ours. */
  get portsInUse(): number {
    return this.#socketsInUse;
  }

  /** The ports of another worker from now on, and the sockets that it left. Before anything is opened. */
  succeed(ports: PortRange, left: LeftSockets): void {
    this.#ports = ports;
    this.#left = left;
  }

  /** Calls back once, before it returns when the driver opens at once. */
  open(specs: readonly EndpointSpec[], onOpened: (opened: Opened) => void): void {
    this.#openNext(specs, [], onOpened);
  }

  /** The same as before at these places, all of them or none: a session goes on. Calls back as `open` does. */
  reopen(places: readonly SocketPlaces[], onOpened: (opened: Opened) => void): void {
    this.#reopenNext(places, [], onOpened);
  }

  #reopenNext(
    places: readonly SocketPlaces[],
    opened: readonly EndpointSockets[],
    onOpened: (opened: Opened) => void,
  ): void {
    const place = places[opened.length];
    if (place === undefined) {
      onOpened(ok(opened));
      return;
    }
    const pool = this.#poolOf(place.address);
    const { rtpPort: evenPort, rtcpPort, address } = place;
    const fail = (error: MediaError): void => {
      for (const sockets of opened) this.close(sockets);
      onOpened(err(error));
    };
    if (pool?.claim(evenPort) !== true) {
      fail({ code: 'no-ports', detail: `${address}:${evenPort} is taken by another session` });
      return;
    }
    this.#openAt(address, evenPort, rtcpPort, this.#left, (result) => {
      if (result.ok) {
        this.#reopenNext(places, [...opened, result.value], onOpened);
        return;
      }
      pool.releaseUnused(evenPort);
      const { error } = result;
      fail(error.code === 'in-use' ? { code: 'no-ports', detail: error.detail } : mediaErrorOf(error, address));
    });
  }

  close(sockets: EndpointSockets): void {
    this.#closeSocket(sockets.rtp);
    if (sockets.rtcp !== undefined) this.#closeSocket(sockets.rtcp);
    this.#pools.get(sockets.address)?.release(sockets.evenPort);
  }

  #openNext(
    specs: readonly EndpointSpec[],
    opened: readonly EndpointSockets[],
    onOpened: (opened: Opened) => void,
  ): void {
    const spec = specs[opened.length];
    if (spec === undefined) {
      onOpened(ok(opened));
      return;
    }
    const pool = this.#poolOf(spec.address);
    const fail = (error: MediaError): void => {
      for (const sockets of opened) this.close(sockets);
      onOpened(err(error));
    };
    if (pool === undefined) {
      fail({ code: 'address-not-available', detail: `more than ${openerLimits.addresses} media addresses` });
      return;
    }
    this.#openPair(spec, pool, openerLimits.attempts, (result) => {
      if (result.ok) this.#openNext(specs, [...opened, result.value], onOpened);
      else fail(result.error);
    });
  }

  #openPair(
    spec: EndpointSpec,
    pool: PortPool,
    attempts: number,
    onOpened: (opened: Result<EndpointSockets, MediaError>) => void,
  ): void {
    const evenPort = attempts > 0 ? pool.take() : undefined;
    if (evenPort === undefined) {
      onOpened(err({ code: 'no-ports', detail: `no media port is free on ${spec.address}` }));
      return;
    }
    const giveUp = (error: OpenError): void => {
      if (error.code === 'in-use') {
        // A pair that somebody else holds rests like one that was used: the next attempts pass it over.
        pool.release(evenPort);
        this.#openPair(spec, pool, attempts - 1, onOpened);
      } else {
        pool.releaseUnused(evenPort);
        onOpened(err(mediaErrorOf(error, spec.address)));
      }
    };
    this.#openAt(spec.address, evenPort, spec.rtcpMux ? null : evenPort + 1, undefined, (result) => {
      if (result.ok) onOpened(result);
      else giveUp(result.error);
    });
  }

  #openAt(
    address: string,
    evenPort: number,
    rtcpPort: number | null,
    left: LeftSockets | undefined,
    onOpened: (opened: Result<EndpointSockets, OpenError>) => void,
  ): void {
    this.#openSocket(address, evenPort, left, (rtp) => {
      if (!rtp.ok) {
        onOpened(rtp);
        return;
      }
      if (rtcpPort === null) {
        onOpened(ok({ address, evenPort, rtp: rtp.value, rtcp: undefined }));
        return;
      }
      this.#openSocket(address, rtcpPort, left, (rtcp) => {
        if (!rtcp.ok) this.#closeSocket(rtp.value);
        onOpened(rtcp.ok ? ok({ address, evenPort, rtp: rtp.value, rtcp: rtcp.value }) : rtcp);
      });
    });
  }

  #openSocket(
    address: string,
    port: number,
    left: LeftSockets | undefined,
    onOpened: (opened: Result<SocketId, OpenError>) => void,
  ): void {
    const { socketOptions } = this.#settings;
    const adopt = left?.take({ address, port });
    this.#io.open(address, port, adopt === undefined ? socketOptions : { ...socketOptions, adopt }, (opened) => {
      if (opened.ok) this.#socketsInUse += 1;
      onOpened(opened);
    });
  }

  #closeSocket(socket: SocketId): void {
    this.#io.close(socket);
    this.#socketsInUse -= 1;
  }

  #poolOf(address: string): PortPool | undefined {
    const known = this.#pools.get(address);
    if (known !== undefined) return known;
    if (this.#pools.size >= openerLimits.addresses) return undefined;
    const pool = new PortPool(this.#ports, this.#settings.quarantine, this.#clock, this.#random);
    this.#pools.set(address, pool);
    return pool;
  }
}

function mediaErrorOf({ code, detail }: OpenError, address: string): MediaError {
  if (code === 'not-available') return { code: 'address-not-available', detail: `${address}: ${detail}` };
  if (code === 'descriptors-exhausted') return { code: 'descriptors-exhausted', detail };
  return { code: 'internal', detail: `${address}: ${detail}` };
}
