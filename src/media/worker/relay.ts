// All that a worker does, without a thread: packets to their endpoints, commands to their sessions, deadlines to both.
// The driver's loop calls it; tests call it directly.
import type { Clock, Millis } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import type { Random } from '../../core/random.ts';
import type { DtlsFactory } from '../dtls/dtls-connection.ts';
import { type DtlsRoom, HandshakeLoad } from '../dtls/dtls-peer.ts';
import { HelloCookies } from '../dtls/hello-cookies.ts';
import type { LeftSockets } from '../packet-io/left-sockets.ts';
import type { PacketHandlers, PacketIo, SocketId } from '../packet-io/packet-io.ts';
import type { MediaEvent, TrafficCount } from '../plane/messages.ts';
import type { WorkerCommand, WorkerMessage } from '../plane/worker-protocol.ts';
import type { Endpoint } from './endpoint.ts';
import { dropIndex, EndpointCounters } from './endpoint-counters.ts';
import type { KeysRoom } from './endpoint-keys.ts';
import { EndpointOpener, type OpenerSettings } from './endpoint-opener.ts';
import type { EndpointSockets } from './endpoint-room.ts';
import type { MediaSession } from './media-session.ts';
import type { PacketFlow } from './packet-flow.ts';
import type { PortRange } from './port-pool.ts';
import { SessionCommands } from './session-commands.ts';
import { StateFeed } from './state-feed.ts';

export interface RelaySettings extends OpenerSettings {
  /** Both directions silent for this long end a call; 0 never. */
  readonly timeout: Millis;
  /** Packets each way of an endpoint whose headers are noted, for captures; 0: none. */
  readonly headerPackets: number;
}

export interface RelayRoom extends KeysRoom {
  readonly io: PacketIo;
  /** Undefined where there is no DTLS. */
  readonly dtls: DtlsFactory | undefined;
  readonly clock: Clock;
  readonly random: Random;
  /** To the main thread. */
  post(message: WorkerMessage): void;
  /** Commands wait: take them and call `handle` for each. */
  takeCommands(): void;
  /** Shows that the loop is alive. */
  beat(): void;
}

export const relayIntervals = {
  /** How often the loop shows that it is alive. */
  beat: 50,
  /** How often latches and silences are looked at. */
  sweep: 250,
  stats: 1_000,
} as const;

export class Relay implements PacketHandlers {
  readonly #room: RelayRoom;
  readonly #commands: SessionCommands;
  readonly #sessions: ReadonlyMap<number, MediaSession>;
  /** By socket id, which is small and dense. */
  readonly #flows: (PacketFlow | undefined)[] = [];
  readonly #closed = new EndpointCounters();
  readonly #handshakes = new HandshakeLoad();
  /** Undefined where no key can be sealed: nothing can go on elsewhere then. */
  readonly #states: StateFeed | undefined;
  #nextSweep: Millis;
  #nextStats: Millis;
  #faults = 0;
  #hasToldFault = false;

  constructor(room: RelayRoom, settings: RelaySettings) {
    this.#room = room;
    const { io, ciphers, ledger, vault, clock, random } = room;
    const sessionRoom = {
      io,
      ciphers,
      ledger,
      vault,
      clock,
      random,
      nameSecret: random.below(0x7fffffff),
      dtls: dtlsRoom(room, this.#handshakes),
      timeout: settings.timeout,
      headerPackets: settings.headerPackets,
      emit: (session: number, event: MediaEvent) => room.post({ type: 'event', session, event }),
      changed: (session: number) => this.#states?.mark(session),
      retire: (counters: EndpointCounters) => this.#closed.add(counters),
    };
    this.#commands = new SessionCommands(sessionRoom, new EndpointOpener(io, settings, clock, random), {
      reply: (command, outcome) => {
        room.post({ type: 'reply', id: command.id, outcome });
        this.#states?.performed(command.session, command.id, command.command.type);
      },
      listen: (endpoint) => this.#listen(endpoint),
      forget: (sockets) => this.#forget(sockets),
      onFault: (thrown) => this.#fault(thrown),
    });
    this.#sessions = this.#commands.sessions;
    this.#states = vault === undefined ? undefined : new StateFeed(this.#sessions, (message) => room.post(message));
    this.#nextSweep = clock.now() + relayIntervals.sweep;
    this.#nextStats = clock.now() + relayIntervals.stats;
  }

  onPacket(socket: SocketId, offset: number, length: number, source: number): void {
    try {
      this.#flows[socket]?.receive(socket, offset, length, source);
    } catch (thrown) {
      // A mistake of ours met one packet: hundreds of other calls on this thread go on.
      this.#fault(thrown);
    }
  }

  onUnread(socket: SocketId, count: number): void {
    this.#flows[socket]?.counters.drop(dropIndex.foreign, count);
  }

  onControl(): void {
    this.#room.takeCommands();
  }

  onDeadline(now: Millis): Millis {
    this.#room.beat();
    this.#states?.tick(now);
    if (now >= this.#nextSweep) {
      this.#nextSweep = now + relayIntervals.sweep;
      this.#handshakes.settle(this.#room.io);
      for (const session of this.#sessions.values()) session.onDeadline(now);
    }
    if (now >= this.#nextStats) {
      this.#nextStats = now + relayIntervals.stats;
      this.#postStats();
    }
    return now + relayIntervals.beat;
  }

  /** One reply follows for each command, at once or when the sockets are open. */
  handle(command: WorkerCommand): void {
    // Hundreds of sessions that move here come in one batch.
    this.#room.beat();
    this.#commands.handle(command);
  }

  /** Takes the place of a worker that has ended, before anything is opened here: its sessions follow. */
  succeed(ports: PortRange, left: LeftSockets): void {
    this.#commands.succeed(ports, left);
  }

  /** Closes every session. */
  close(): void {
    // Sessions that are still open may go on in another process.
    this.#room.ledger?.keep();
    this.#commands.close();
    this.#handshakes.settle(this.#room.io);
    this.#postStats();
  }

  #listen({ sockets, flow }: Endpoint): void {
    this.#flows[sockets.rtp] = flow;
    if (sockets.rtcp !== undefined) this.#flows[sockets.rtcp] = flow;
  }

  #forget(sockets: EndpointSockets): void {
    this.#flows[sockets.rtp] = undefined;
    if (sockets.rtcp !== undefined) this.#flows[sockets.rtcp] = undefined;
  }

  /** Counted always, told once between two statistics: the detail never holds packet contents or keys. */
  #fault(thrown: unknown): void {
    this.#faults += 1;
    if (this.#hasToldFault) return;
    this.#hasToldFault = true;
    this.#room.post({ type: 'fault', detail: messageOf(thrown) });
  }

  #postStats(): void {
    this.#hasToldFault = false;
    const total = new EndpointCounters();
    total.add(this.#closed);
    for (const session of this.#sessions.values()) {
      for (const endpoint of session.endpoints) total.add(endpoint.counters);
    }
    this.#room.post({
      type: 'stats',
      stats: {
        received: sum(total.received, total.receivedRtcp),
        sent: sum(total.sent, total.sentRtcp),
        dropped: total.dropped(),
        sessions: this.#sessions.size,
        portsInUse: this.#commands.portsInUse,
        faults: this.#faults,
        io: { ...this.#room.io.counters },
      },
    });
  }
}

function dtlsRoom({ dtls, io, clock, random }: RelayRoom, load: HandshakeLoad): DtlsRoom | undefined {
  if (dtls === undefined) return undefined;
  const { memory } = dtls;
  return { io, memory, connections: dtls, cookies: new HelloCookies(memory, clock, random), clock, load };
}

function sum(a: TrafficCount, b: TrafficCount): TrafficCount {
  return { packets: a.packets + b.packets, bytes: a.bytes + b.bytes };
}
