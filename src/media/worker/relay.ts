// All that a worker does, without a thread: packets to their endpoints, commands to their sessions, deadlines to both.
// The driver's loop calls it; tests call it directly.
import { assertNever } from '../../core/assert-never.ts';
import type { Clock, Millis } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import type { Random } from '../../core/random.ts';
import type { DtlsFactory } from '../dtls/dtls-connection.ts';
import { type DtlsRoom, HandshakeLoad } from '../dtls/dtls-peer.ts';
import { HelloCookies } from '../dtls/hello-cookies.ts';
import type { LeftSockets } from '../packet-io/left-sockets.ts';
import type { PacketHandlers, PacketIo, SocketId } from '../packet-io/packet-io.ts';
import type { MediaSnapshot } from '../plane/media-snapshot.ts';
import type { EndpointSpec, MediaError, MediaEvent, OpenedEndpoint, TrafficCount } from '../plane/messages.ts';
import type { CommandOutcome, SessionCommand, WorkerCommand, WorkerMessage } from '../plane/worker-protocol.ts';
import type { Endpoint } from './endpoint.ts';
import { dropIndex, EndpointCounters } from './endpoint-counters.ts';
import type { KeysRoom } from './endpoint-keys.ts';
import { EndpointOpener, type OpenerSettings } from './endpoint-opener.ts';
import type { EndpointSockets } from './endpoint-room.ts';
import { MediaSession, type SessionRoom, sessionLimits } from './media-session.ts';
import type { PortRange } from './port-pool.ts';
import { StateFeed } from './state-feed.ts';

export interface RelaySettings extends OpenerSettings {
  /** Both directions silent for this long end a call; 0 never. */
  readonly timeout: Millis;
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
  readonly #sessionRoom: SessionRoom;
  readonly #opener: EndpointOpener;
  readonly #sessions = new Map<number, MediaSession>();
  /** By socket id, which is small and dense. */
  readonly #endpoints: (Endpoint | undefined)[] = [];
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
    this.#opener = new EndpointOpener(io, settings, clock, random);
    this.#sessionRoom = {
      io,
      ciphers,
      ledger,
      vault,
      clock,
      random,
      nameSecret: random.below(0x7fffffff),
      dtls: dtlsRoom(room, this.#handshakes),
      timeout: settings.timeout,
      emit: (session, event) => this.#emit(session, event),
      releaseSockets: (sockets) => this.#release(sockets),
      changed: (session) => this.#states?.mark(session),
      retire: (counters) => this.#closed.add(counters),
    };
    this.#states = vault === undefined ? undefined : new StateFeed(this.#sessions, (message) => room.post(message));
    this.#nextSweep = clock.now() + relayIntervals.sweep;
    this.#nextStats = clock.now() + relayIntervals.stats;
  }

  onPacket(socket: SocketId, offset: number, length: number, source: number): void {
    try {
      this.#endpoints[socket]?.receive(socket, offset, length, source);
    } catch (thrown) {
      // A mistake of ours met one packet: hundreds of other calls on this thread go on.
      this.#fault(thrown);
    }
  }

  onUnread(socket: SocketId, count: number): void {
    this.#endpoints[socket]?.counters.drop(dropIndex.foreign, count);
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
  handle({ id, session, command }: WorkerCommand): void {
    // Hundreds of sessions that move here come in one batch.
    this.#room.beat();
    const reply = (outcome: CommandOutcome): void => {
      this.#room.post({ type: 'reply', id, outcome });
      this.#states?.performed(session, id, command.type);
    };
    try {
      this.#perform(session, command, reply);
    } catch (thrown) {
      this.#fault(thrown);
      reply(failed({ code: 'internal', detail: messageOf(thrown) }));
    }
  }

  /** Takes the place of a worker that has ended, before anything is opened here: its sessions follow. */
  succeed(ports: PortRange, left: LeftSockets): void {
    this.#opener.succeed(ports, left);
  }

  /** Closes every session. */
  close(): void {
    // Sessions that are still open may go on in another process.
    this.#room.ledger?.keep();
    for (const session of this.#sessions.values()) session.close();
    this.#sessions.clear();
    this.#handshakes.settle(this.#room.io);
    this.#postStats();
  }

  #perform(id: number, command: SessionCommand, reply: (outcome: CommandOutcome) => void): void {
    if (command.type === 'open-session') {
      this.#sessions.set(id, new MediaSession(id, this.#sessionRoom));
      reply(done);
      return;
    }
    if (command.type === 'resume-session') {
      this.#resume(id, command.snapshot, reply);
      return;
    }
    const session = this.#sessions.get(id);
    if (session === undefined) {
      reply(failed({ code: 'unknown-session', detail: `no session ${id} in this worker` }));
      return;
    }
    switch (command.type) {
      case 'open-endpoints':
        this.#openEndpoints(session, command.specs, reply);
        return;
      case 'set-remote':
        reply(outcomeOf(session.setRemote(command.endpoint, command.remote)));
        return;
      case 'join':
        reply(outcomeOf(session.join(command.a, command.b)));
        return;
      case 'close-endpoints':
        reply(outcomeOf(session.closeEndpoints(command.endpoints)));
        return;
      case 'pause-timeout':
        session.pauseTimeout(command.isPaused);
        reply(done);
        return;
      case 'report':
        reply({ type: 'report', report: { endpoints: session.report() } });
        return;
      case 'snapshot':
        if (this.#room.vault === undefined) {
          reply(failed({ code: 'cipher-unavailable', detail: 'without a state folder no key can be sealed' }));
        } else {
          reply({ type: 'snapshot', snapshot: session.snapshot() });
        }
        return;
      case 'close-session':
        this.#sessions.delete(id);
        reply({ type: 'report', report: { endpoints: session.close() } });
        return;
      default:
        assertNever(command);
    }
  }

  #openEndpoints(
    session: MediaSession,
    specs: readonly EndpointSpec[],
    reply: (outcome: CommandOutcome) => void,
  ): void {
    if (session.endpointCount + specs.length > sessionLimits.endpoints) {
      reply(failed({ code: 'too-many-endpoints', detail: `more than ${sessionLimits.endpoints} in one session` }));
      return;
    }
    this.#opener.open(specs, (opened) => {
      if (!opened.ok) {
        reply(failed(opened.error));
      } else if (this.#sessions.get(session.id) !== session) {
        for (const sockets of opened.value) this.#opener.close(sockets);
        reply(failed({ code: 'closed', detail: 'the session was closed while its sockets were opened' }));
      } else {
        reply({ type: 'opened', endpoints: opened.value.map((sockets) => this.#add(session, sockets)) });
      }
    });
  }

  #resume(id: number, snapshot: MediaSnapshot, reply: (outcome: CommandOutcome) => void): void {
    this.#opener.reopen(snapshot.endpoints, (opened) => {
      if (!opened.ok) {
        reply(failed(opened.error));
        return;
      }
      const session = new MediaSession(id, this.#sessionRoom);
      this.#sessions.set(id, session);
      const refusal = session.resume(snapshot, opened.value);
      for (const endpoint of session.endpoints) this.#listen(endpoint);
      if (refusal !== undefined) {
        this.#sessions.delete(id);
        session.close();
      }
      reply(outcomeOf(refusal));
    });
  }

  #listen(endpoint: Endpoint): void {
    this.#endpoints[endpoint.sockets.rtp] = endpoint;
    if (endpoint.sockets.rtcp !== undefined) this.#endpoints[endpoint.sockets.rtcp] = endpoint;
  }

  #add(session: MediaSession, sockets: EndpointSockets): OpenedEndpoint {
    const endpoint = session.add(sockets);
    this.#listen(endpoint);
    const { io } = this.#room;
    return {
      endpoint: endpoint.id,
      address: sockets.address,
      rtpPort: io.localPort(sockets.rtp),
      rtcpPort: sockets.rtcp === undefined ? undefined : io.localPort(sockets.rtcp),
    };
  }

  #release(sockets: EndpointSockets): void {
    this.#endpoints[sockets.rtp] = undefined;
    if (sockets.rtcp !== undefined) this.#endpoints[sockets.rtcp] = undefined;
    this.#opener.close(sockets);
  }

  /** Counted always, told once between two statistics: the detail never holds packet contents or keys. */
  #fault(thrown: unknown): void {
    this.#faults += 1;
    if (this.#hasToldFault) return;
    this.#hasToldFault = true;
    this.#room.post({ type: 'fault', detail: messageOf(thrown) });
  }

  #emit(session: number, event: MediaEvent): void {
    this.#room.post({ type: 'event', session, event });
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
        portsInUse: this.#opener.portsInUse,
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

const done: CommandOutcome = { type: 'done' };

function failed(error: MediaError): CommandOutcome {
  return { type: 'error', error };
}

function outcomeOf(error: MediaError | undefined): CommandOutcome {
  return error === undefined ? done : failed(error);
}

function sum(a: TrafficCount, b: TrafficCount): TrafficCount {
  return { packets: a.packets + b.packets, bytes: a.bytes + b.bytes };
}
