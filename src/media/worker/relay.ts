// All that a worker does, without a thread: packets to their endpoints, commands to their sessions, deadlines to both.
// The driver's loop calls it; tests call it directly.
import type { Clock, Millis } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import type { Random } from '../../core/random.ts';
import type { DtlsFactory } from '../dtls/dtls-connection.ts';
import { type DtlsRoom, HandshakeLoad } from '../dtls/dtls-peer.ts';
import { HelloCookies } from '../dtls/hello-cookies.ts';
import type { LeftSockets } from '../packet-io/left-sockets.ts';
import { announcedAtOnce, type PacketHandlers, type PacketIo, type SocketId } from '../packet-io/packet-io.ts';
import type { MediaEvent, PortPlace, TrafficCount } from '../plane/messages.ts';
import {
  type CommandOutcome,
  isQuery,
  type PortRequest,
  type WorkerCommand,
  type WorkerMessage,
} from '../plane/worker-protocol.ts';
import type { Endpoint } from './endpoint.ts';
import { dropIndex, EndpointCounters } from './endpoint-counters.ts';
import type { KeysRoom } from './endpoint-keys.ts';
import type { EndpointSockets } from './endpoint-room.ts';
import type { MediaSession } from './media-session.ts';
import { type PacketFlow, preloadLevels } from './packet-flow.ts';
import type { PortRange } from './port-pool.ts';
import { PortStock, type StockSettings } from './port-stock.ts';
import { SessionCommands } from './session-commands.ts';
import { StateFeed } from './state-feed.ts';

export interface RelaySettings extends StockSettings {
  /** Both directions silent for this long end a call; 0 never. */
  readonly timeout: Millis;
  /** Packets each way of an endpoint whose headers are noted, for captures; 0: none. */
  readonly headerPackets: number;
  /** Sessions that are to be resumed wait for `succeed`: another process reads their sockets. */
  readonly awaitsSockets?: boolean | undefined;
}

export interface RelayRoom extends KeysRoom {
  readonly io: PacketIo;
  /** Undefined where there is no DTLS. */
  readonly dtls: DtlsFactory | undefined;
  readonly clock: Clock;
  readonly random: Random;
  /** To the main thread, which waits for it. */
  post(message: WorkerMessage): void;
  /** With the next `post` or `flush`, whichever comes first: nobody is woken for it alone. */
  postSoon(message: WorkerMessage): void;
  flush(): void;
  /** Commands wait: take them and call `handle` for each. */
  takeCommands(): void;
  /** Shows that the loop is alive. */
  beat(): void;
  /** Shows that this command was taken, and all before it. */
  took(command: number): void;
}

export const relayIntervals = {
  /** How often the loop shows that it is alive. */
  beat: 50,
  /** The same while more sessions have changed than are told of in one go: packets have their turn in between. */
  behind: 2,
  /** How often latches and silences are looked at. */
  sweep: 250,
  stats: 1_000,
} as const;

/** Sessions from which on it is worth reading ahead: what fewer need stays in the processor's caches anyway. */
export const readAheadFrom = 300;

export class Relay implements PacketHandlers {
  readonly #room: RelayRoom;
  readonly #stock: PortStock;
  readonly #commands: SessionCommands;
  readonly #sessions: ReadonlyMap<number, MediaSession>;
  /** By socket id, which is small and dense. */
  readonly #flows: (PacketFlow | undefined)[] = [];
  /** Of the packets that come next. */
  readonly #ahead: (PacketFlow | undefined)[] = Array.from({ length: announcedAtOnce }, () => undefined);
  /** Of no meaning: what is read ahead goes somewhere, so that it is read. */
  #read = 0;
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
      emit: (session: number, event: MediaEvent) => room.postSoon({ type: 'event', session, event }),
      changed: (session: number) => this.#states?.mark(session),
      retire: (counters: EndpointCounters) => this.#closed.add(counters),
    };
    this.#stock = new PortStock(io, settings, clock, random);
    this.#commands = new SessionCommands(sessionRoom, this.#stock, settings.awaitsSockets === true, {
      performed: (command, outcome) => this.#performed(command, outcome),
      listen: (endpoint) => this.#listen(endpoint),
      forget: (sockets) => this.#forget(sockets),
      onFault: (thrown) => this.#fault(thrown),
    });
    this.#sessions = this.#commands.sessions;
    this.#states = vault === undefined ? undefined : new StateFeed(this.#sessions, (message) => room.postSoon(message));
    this.#nextSweep = clock.now() + relayIntervals.sweep;
    this.#nextStats = clock.now() + relayIntervals.stats;
  }

  onPacket(socket: SocketId, offset: number, length: number, source: number): void {
    try {
      const flow = this.#flows[socket];
      // Bound ahead, or at rest: what comes now is for no call, however soon the port is given out.
      if (flow === undefined) this.#closed.drop(dropIndex.foreign);
      else flow.receive(socket, offset, length, source);
    } catch (thrown) {
      // A mistake of ours met one packet: hundreds of other calls on this thread go on.
      this.#fault(thrown);
    }
  }

  /**
   * With many calls what a packet needs of its call is in no cache, and one thing leads to the next. So it is read for all of them first, level by
   * level: at each level the reads do not wait for one another.
   */
  onAhead(sockets: Int32Array, count: number): void {
    if (this.#sessions.size < readAheadFrom) return;
    const ahead = this.#ahead;
    let flows = 0;
    for (let at = 0; at < count; at += 1) {
      const flow = this.#flows[sockets[at] ?? 0];
      if (flow === undefined) continue;
      ahead[flows] = flow;
      flows += 1;
    }
    let read = 0;
    for (let level = 0; level < preloadLevels; level += 1) {
      for (let at = 0; at < flows; at += 1) read ^= ahead[at]?.preload(level) ?? 0;
    }
    this.#read ^= read;
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
      this.#stock.tidy(now);
    }
    if (now >= this.#nextStats) {
      this.#nextStats = now + relayIntervals.stats;
      this.#postStats();
    }
    this.#room.flush();
    return now + (this.#states?.isBehind === true ? relayIntervals.behind : relayIntervals.beat);
  }

  /** Commands of one session are carried out in their order, some only when its sockets are open. */
  handle(command: WorkerCommand): void {
    // Hundreds of sessions that move here come in one batch.
    this.#room.beat();
    this.#commands.handle(command);
    this.#room.took(command.id);
  }

  /** Binds ports for the main thread to give out. */
  grant(request: PortRequest): void {
    this.#stock.grant(request, ({ places, error }) => {
      const message: WorkerMessage = { type: 'granted', request, places, error };
      if (request.needed > 0) this.#room.post(message);
      else this.#room.postSoon(message);
    });
  }

  /** Granted before, and wanted no more. */
  takeBack(places: readonly PortPlace[]): void {
    this.#stock.giveBack(places);
  }

  /** It has no session. */
  get isIdle(): boolean {
    return this.#sessions.size === 0;
  }

  closeIdle(): void {
    this.#stock.closeIdle();
  }

  /** Takes the place of a worker that has ended, before anything is opened here: its sessions follow. */
  succeed(ports: PortRange, left: LeftSockets): void {
    this.#commands.succeed(ports, left);
  }

  /** Its sessions go on elsewhere: how far they have come is told, and everything stays as it is. */
  leave(): void {
    this.#room.ledger?.keep();
    this.#states?.flush();
    this.#postStats();
    this.#room.flush();
  }

  /** Closes every session. */
  close(): void {
    // Sessions that are still open may go on in another process.
    this.#room.ledger?.keep();
    this.#commands.close();
    this.#handshakes.settle(this.#room.io);
    this.#postStats();
    this.#room.flush();
  }

  #performed({ id, session, command }: WorkerCommand, outcome: CommandOutcome): void {
    const room = this.#room;
    // Its report is for the record of a call that is over.
    if (command.type === 'close-session') room.postSoon({ type: 'reply', id, outcome });
    else if (isQuery(command)) room.post({ type: 'reply', id, outcome });
    else if (outcome.type === 'error')
      room.post({ type: 'refused', id, session, command: command.type, error: outcome.error });
    this.#states?.performed(session, id, command);
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
    this.#room.postSoon({
      type: 'stats',
      stats: {
        received: sum(total.received, total.receivedRtcp),
        sent: sum(total.sent, total.sentRtcp),
        dropped: total.dropped(),
        sessions: this.#sessions.size,
        portsInUse: this.#stock.portsInUse,
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
