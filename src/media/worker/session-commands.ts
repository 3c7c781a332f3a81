// The sessions of a worker, and what the main thread commands of them.
import { assertNever } from '../../core/assert-never.ts';
import { messageOf } from '../../core/errors.ts';
import type { LeftSockets } from '../packet-io/left-sockets.ts';
import type { MediaSnapshot } from '../plane/media-snapshot.ts';
import type { EndpointSpec, MediaError, OpenedEndpoint } from '../plane/messages.ts';
import type { CommandOutcome, SessionCommand, WorkerCommand } from '../plane/worker-protocol.ts';
import type { Endpoint } from './endpoint.ts';
import type { EndpointOpener } from './endpoint-opener.ts';
import type { EndpointSockets } from './endpoint-room.ts';
import { MediaSession, type SessionRoom, sessionLimits } from './media-session.ts';
import type { PortRange } from './port-pool.ts';

export interface CommandEvents {
  /** Once for each command. */
  reply(command: WorkerCommand, outcome: CommandOutcome): void;
  /** Packets of its sockets are for it from now on. */
  listen(endpoint: Endpoint): void;
  /** Packets of these sockets are for nobody. */
  forget(sockets: EndpointSockets): void;
  onFault(thrown: unknown): void;
}

export class SessionCommands {
  readonly sessions = new Map<number, MediaSession>();
  readonly #room: SessionRoom;
  readonly #opener: EndpointOpener;
  readonly #events: CommandEvents;

  constructor(room: Omit<SessionRoom, 'releaseSockets'>, opener: EndpointOpener, events: CommandEvents) {
    this.#room = { ...room, releaseSockets: (sockets) => this.#release(sockets) };
    this.#opener = opener;
    this.#events = events;
  }

  /** Ports with a socket of ours. */
  get portsInUse(): number {
    return this.#opener.portsInUse;
  }

  /** One reply follows, at once or when the sockets are open. */
  handle(command: WorkerCommand): void {
    const reply = (outcome: CommandOutcome): void => this.#events.reply(command, outcome);
    try {
      this.#perform(command.session, command.command, reply);
    } catch (thrown) {
      this.#events.onFault(thrown);
      reply(failed({ code: 'internal', detail: messageOf(thrown) }));
    }
  }

  /** Takes the place of a worker that has ended, before anything is opened here: its sessions follow. */
  succeed(ports: PortRange, left: LeftSockets): void {
    this.#opener.succeed(ports, left);
  }

  close(): void {
    for (const session of this.sessions.values()) session.close();
    this.sessions.clear();
  }

  #perform(id: number, command: SessionCommand, reply: (outcome: CommandOutcome) => void): void {
    if (command.type === 'open-session') {
      this.sessions.set(id, new MediaSession(id, this.#room));
      reply(done);
      return;
    }
    if (command.type === 'resume-session') {
      this.#resume(id, command.snapshot, reply);
      return;
    }
    const session = this.sessions.get(id);
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
        reply({ type: 'report', report: session.report() });
        return;
      case 'snapshot':
        if (this.#room.vault === undefined) {
          reply(failed({ code: 'cipher-unavailable', detail: 'without a state folder no key can be sealed' }));
        } else {
          reply({ type: 'snapshot', snapshot: session.snapshot() });
        }
        return;
      case 'close-session':
        this.sessions.delete(id);
        reply({ type: 'report', report: session.close() });
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
      } else if (this.sessions.get(session.id) !== session) {
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
      const session = new MediaSession(id, this.#room);
      this.sessions.set(id, session);
      const refusal = session.resume(snapshot, opened.value);
      for (const endpoint of session.endpoints) this.#events.listen(endpoint);
      if (refusal !== undefined) {
        this.sessions.delete(id);
        session.close();
      }
      reply(outcomeOf(refusal));
    });
  }

  #add(session: MediaSession, sockets: EndpointSockets): OpenedEndpoint {
    const endpoint = session.add(sockets);
    this.#events.listen(endpoint);
    const { io } = this.#room;
    return {
      endpoint: endpoint.id,
      address: sockets.address,
      rtpPort: io.localPort(sockets.rtp),
      rtcpPort: sockets.rtcp === undefined ? undefined : io.localPort(sockets.rtcp),
    };
  }

  #release(sockets: EndpointSockets): void {
    this.#events.forget(sockets);
    this.#opener.close(sockets);
  }
}

const done: CommandOutcome = { type: 'done' };

function failed(error: MediaError): CommandOutcome {
  return { type: 'error', error };
}

function outcomeOf(error: MediaError | undefined): CommandOutcome {
  return error === undefined ? done : failed(error);
}
