// The sessions of a worker, and what the main thread commands of them.
import { assertNever } from '../../core/assert-never.ts';
import { messageOf } from '../../core/errors.ts';
import type { LeftSockets } from '../packet-io/left-sockets.ts';
import type { MediaSnapshot } from '../plane/media-snapshot.ts';
import { type MediaError, mostEndpoints, type OpenedEndpoint } from '../plane/messages.ts';
import type { CommandOutcome, SessionCommand, WorkerCommand } from '../plane/worker-protocol.ts';
import type { Endpoint } from './endpoint.ts';
import type { EndpointSockets } from './endpoint-room.ts';
import { MediaSession, type SessionRoom } from './media-session.ts';
import type { PortRange } from './port-pool.ts';
import type { PortStock } from './port-stock.ts';

export interface CommandEvents {
  /** Once for each command, in the order of each session's. */
  performed(command: WorkerCommand, outcome: CommandOutcome): void;
  /** Packets of its sockets are for it from now on. */
  listen(endpoint: Endpoint): void;
  /** Packets of these sockets are for nobody. */
  forget(sockets: EndpointSockets): void;
  onFault(thrown: unknown): void;
}

export class SessionCommands {
  readonly sessions = new Map<number, MediaSession>();
  readonly #room: SessionRoom;
  readonly #stock: PortStock;
  readonly #events: CommandEvents;
  /** Sessions whose sockets are being opened: what else they are told waits. */
  readonly #opening = new Map<number, WorkerCommand[]>();
  /** Sessions whose sockets another process still reads; undefined: none does any more. */
  #awaited: (() => void)[] | undefined;

  /** `awaitsSockets`: sessions that are to be resumed wait for `succeed`. */
  constructor(
    room: Omit<SessionRoom, 'releaseSockets'>,
    stock: PortStock,
    awaitsSockets: boolean,
    events: CommandEvents,
  ) {
    this.#room = { ...room, releaseSockets: (sockets) => this.#release(sockets) };
    this.#stock = stock;
    this.#awaited = awaitsSockets ? [] : undefined;
    this.#events = events;
  }

  /** Performed at once, or when the sockets are open. */
  handle(command: WorkerCommand): void {
    const waiting = this.#opening.get(command.session);
    if (waiting !== undefined) {
      waiting.push(command);
      return;
    }
    const reply = (outcome: CommandOutcome): void => this.#events.performed(command, outcome);
    this.#orFail(() => this.#perform(command.session, command.command, reply), reply);
  }

  /** Takes the place of a worker that has ended, before anything is opened here: its sessions follow. */
  succeed(ports: PortRange, left: LeftSockets): void {
    this.#stock.succeed(ports, left);
    const awaited = this.#awaited ?? [];
    this.#awaited = undefined;
    for (const reopen of awaited) reopen();
  }

  close(): void {
    for (const session of this.sessions.values()) session.close();
    this.sessions.clear();
    this.#opening.clear();
  }

  #orFail(work: () => void, reply: (outcome: CommandOutcome) => void): void {
    try {
      work();
    } catch (thrown) {
      this.#events.onFault(thrown);
      reply(failed({ code: 'internal', detail: messageOf(thrown) }));
    }
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
        this.#openEndpoints(session, command.endpoints, reply);
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
    endpoints: readonly OpenedEndpoint[],
    reply: (outcome: CommandOutcome) => void,
  ): void {
    if (session.endpointCount + endpoints.length > mostEndpoints) {
      reply(failed({ code: 'too-many-endpoints', detail: `more than ${mostEndpoints} in one session` }));
      return;
    }
    this.#whenOpened(session.id, (onOpened) =>
      this.#stock.open(endpoints, (opened) => {
        if (opened.ok) {
          for (const [index, sockets] of opened.value.entries()) {
            this.#events.listen(session.add(endpoints[index]?.endpoint ?? 0, sockets));
          }
        }
        reply(opened.ok ? done : failed(opened.error));
        onOpened();
      }),
    );
  }

  #resume(id: number, snapshot: MediaSnapshot, reply: (outcome: CommandOutcome) => void): void {
    const places = snapshot.endpoints.map(({ address, rtpPort, rtcpPort }) => ({
      address,
      rtpPort,
      rtcpPort: rtcpPort ?? undefined,
    }));
    this.#whenOpened(id, (onOpened) => {
      const reopen = (): void =>
        this.#stock.reopen(places, (opened) => {
          reply(opened.ok ? outcomeOf(this.#goOn(id, snapshot, opened.value)) : failed(opened.error));
          onOpened();
        });
      if (this.#awaited === undefined) reopen();
      else this.#awaited.push(() => this.#orFail(reopen, reply));
    });
  }

  #goOn(id: number, snapshot: MediaSnapshot, sockets: readonly EndpointSockets[]): MediaError | undefined {
    const session = new MediaSession(id, this.#room);
    this.sessions.set(id, session);
    const refusal = session.resume(snapshot, sockets);
    for (const endpoint of session.endpoints) this.#events.listen(endpoint);
    if (refusal === undefined) return undefined;
    this.sessions.delete(id);
    session.close();
    return refusal;
  }

  /** `open` calls back at once, or later: then what else comes for the session keeps its place in the order. */
  #whenOpened(id: number, open: (onOpened: () => void) => void): void {
    const waiting: WorkerCommand[] = [];
    this.#opening.set(id, waiting);
    try {
      open(() => {
        this.#opening.delete(id);
        for (const command of waiting) this.handle(command);
      });
    } catch (thrown) {
      this.#opening.delete(id);
      throw thrown;
    }
  }

  #release(sockets: EndpointSockets): void {
    this.#events.forget(sockets);
    this.#stock.close(sockets);
  }
}

const done: CommandOutcome = { type: 'done' };

function failed(error: MediaError): CommandOutcome {
  return { type: 'error', error };
}

function outcomeOf(error: MediaError | undefined): CommandOutcome {
  return error === undefined ? done : failed(error);
}
