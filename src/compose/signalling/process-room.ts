// The other processes of this machine, which share our outside listeners: what they are told of phones, and what is passed to them.
import { join } from 'node:path';
import { listenOnSocket } from '../../admin/unix-socket.ts';
import type { Millis } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import type { Random } from '../../core/random.ts';
import type { Scheduler, Timer } from '../../core/scheduler.ts';
import { LostFlows } from '../../registration/lost-flows.ts';
import type { CamePhone } from '../../registration/registrar-parts.ts';
import { userIdentity } from '../../sip/auth/identity.ts';
import type { SipRequest } from '../../sip/message/message.ts';
import { refusalOf, spreadRetryAfter } from '../../sip/transaction/refusal.ts';
import { type Came, ProcessFlows } from '../../sip/transport/process-flows.ts';
import type { FlowName } from '../../sip/transport/process-frames.ts';
import { type LinkedProcess, ProcessLink } from '../../sip/transport/process-link.ts';
import type { SipTransports } from '../../sip/transport/sip-transports.ts';
import { type SharedTicketKeys, TicketKeys } from '../../sip/transport/ticket-keys.ts';
import type { Flow } from '../../sip/transport/transport.ts';
import type { UserAgent } from '../../sip/user-agent/user-agent.ts';
import { earlierFlowId, readFlowId } from '../../store/earlier-run.ts';

export interface ProcessPlace {
  /** From 1 on. */
  readonly process: number;
  readonly processes: number;
  /** The name of this run. */
  readonly run: string;
  /** Where they have their sockets. */
  readonly folder: string;
  /** Which node of the site each of them is. */
  readonly nodes: ReadonlyMap<string, number>;
}

export interface ProcessRoomParts {
  readonly place: ProcessPlace;
  readonly userAgent: () => UserAgent;
  /** Messages a second of one source that are passed on; undefined: a peer of ours, and all are. */
  readonly rateOf: (flow: Flow) => number | undefined;
  /** For what waits as long as the process lives. */
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly logger: Logger;
}

/** How often it is looked whether ticket keys are old. */
const ageInterval: Millis = 60_000;

export class ProcessRoom {
  readonly lost = new LostFlows();
  readonly flows: ProcessFlows;
  readonly #parts: ProcessRoomParts;
  #tickets: TicketKeys | undefined;
  #aging: Timer | undefined;
  #link: ProcessLink;
  #transports: SipTransports | undefined;

  constructor(parts: ProcessRoomParts) {
    this.#parts = parts;
    const { process, processes, run } = parts.place;
    this.#link = this.#newLink();
    this.flows = new ProcessFlows({
      process,
      processes,
      run,
      link: {
        others: this.#link.others,
        send: (other, frame, body, isLast) => this.#link.send(other, frame, body, isLast),
      },
      scheduler: parts.scheduler,
      rateOf: parts.rateOf,
      earlierFlowId,
      onRefused: (request, flow) => this.#refuse(request, flow),
      onCame: (came) => this.#onCame(came),
    });
  }

  /** Before it is served, nothing of others is taken. Rejects with SbcError when its socket cannot be bound. */
  listen(transports: SipTransports): Promise<void> {
    const { random, scheduler } = this.#parts;
    this.#transports = transports;
    this.#tickets = new TicketKeys(random, scheduler.clock.wall());
    this.#seal();
    this.#aging = scheduler.after(ageInterval, () => this.#age());
    this.flows.serve(transports);
    return this.#link.listen();
  }

  /** Another process is to take the place of this one. */
  hold(): void {
    this.#link.close();
  }

  /** It is as it was. The others reach it again, and tell again who came. Rejects as `listen`. */
  carryOn(): Promise<void> {
    this.#link = this.#newLink();
    return this.#link.listen();
  }

  /** A phone has registered here, over another flow than before. */
  came({ aor, key, before }: CamePhone, flow: Flow): void {
    this.flows.came({ aor, key, before: before === undefined ? undefined : this.#nameOf(before) }, flow);
  }

  close(): void {
    this.#aging?.cancel();
    this.#link.close();
  }

  #onTickets({ process }: LinkedProcess, keys: SharedTicketKeys): void {
    const outcome = this.#tickets?.adopt(keys);
    if (outcome === 'taken') this.#seal();
    else if (outcome === 'kept') this.#offerTickets(process);
  }

  #offerTickets(process: number): void {
    if (this.#tickets !== undefined) this.#link.send(process, { type: 'tickets', ...this.#tickets.shared });
  }

  #age(): void {
    const { place, scheduler } = this.#parts;
    this.#aging = scheduler.after(ageInterval, () => this.#age());
    if (this.#tickets?.age(place.process, scheduler.clock.wall()) !== true) return;
    this.#seal();
    for (const process of this.#link.others) this.#offerTickets(process);
  }

  #seal(): void {
    if (this.#tickets !== undefined) this.#transports?.setTicketKeys(this.#tickets.bytes);
  }

  #newLink(): ProcessLink {
    const { place, scheduler, logger } = this.#parts;
    const { process, processes, run, folder } = place;
    return new ProcessLink({
      process,
      processes,
      run,
      pathOf: (other) => join(folder, `process-${other}.sock`),
      bind: listenOnSocket,
      scheduler,
      logger,
      events: {
        onFrame: (from, frame, body) => {
          if (frame.type === 'tickets') this.#onTickets(from, frame);
          else this.flows.onFrame(from, frame, body);
        },
        onReached: (other) => {
          this.#offerTickets(other);
          this.flows.onReached(other);
        },
        onGone: (from) => this.flows.onGone(from),
      },
    });
  }

  #nameOf(flowId: string): FlowName | undefined {
    const { process, run, nodes } = this.#parts.place;
    const read = readFlowId(flowId);
    if (read === undefined) return { process, run, flow: flowId };
    const owner = read.node === undefined ? process : nodes.get(read.node);
    return owner === undefined ? undefined : { process: owner, run: read.run, flow: read.flowId };
  }

  /** RFC 3261 §21.5.4. Stateless: its process, which would keep the transaction, hears nothing of it. */
  #refuse(request: SipRequest, flow: Flow): void {
    const via = request.headers.get('Via') ?? '';
    const response = refusalOf(request, via, 503, spreadRetryAfter(via));
    this.#transports?.send(response, { kind: 'flow', flow }, () => {});
  }

  /** Its calls here, over flows that it had, go on over the one that it has there. */
  #onCame({ aor, key, before, flow }: Came): number {
    const { userAgent, logger } = this.#parts;
    const at = aor.lastIndexOf('@');
    const identity = userIdentity(aor.slice(0, at), aor.slice(at + 1));
    const lost = this.lost.take(aor, key);
    const names = lost === undefined ? before : [...before, lost];
    let moved = 0;
    for (const name of names) moved += userAgent().moveDialogs(name, flow, identity);
    if (moved > 0) logger.info('dialogs-moved', { aor, flow: flow.id, dialogs: moved });
    return moved;
  }
}
