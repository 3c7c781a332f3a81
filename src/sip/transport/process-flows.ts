// Flows of the other processes of this machine: what comes over one of theirs for us, what we send over it, and who must hear that it is
// gone. A datagram goes back over our own socket, which has the same address.
import type { Millis } from '../../core/clock.ts';
import type { Scheduler } from '../../core/scheduler.ts';
import type { SipMessage, SipRequest } from '../message/message.ts';
import { PassRates } from './pass-rates.ts';
import { PassedSetups } from './passed-setups.ts';
import type { FlowName, ProcessFrame } from './process-frames.ts';
import type { LinkEvents, LinkedProcess } from './process-link.ts';
import { ownerOf } from './process-mark.ts';
import type { Flow, TransportError } from './transport.ts';

/** What `SipTransports` knows of other processes. */
export interface Elsewhere {
  /** Whose it is, where it is not ours. */
  ownerOf(message: SipMessage, flow: Flow): number | undefined;
  pass(owner: number, message: SipMessage, flow: Flow, bytes: Uint8Array): void;
  /** A flow of ours is gone. */
  flowClosed(flow: Flow): void;
  isAlive(flowId: string): boolean;
  /** `serves`: its peer is worth a connection. */
  send(message: SipMessage, flow: Flow, bytes: Uint8Array, serves: boolean): TransportError | undefined;
}

/** What `SipTransports` does for other processes. */
export interface PassedOn {
  /** As if it had come here; whoever it may seem to be for, it is passed no further. */
  take(bytes: Uint8Array, flow: Flow): void;
  /** Over a connection of ours. */
  relay(flowId: string, bytes: Uint8Array, serves: boolean): boolean;
  isOpen(flowId: string): boolean;
  gone(flow: Flow): void;
}

/** A phone that registered elsewhere, over a flow that is alive. */
export interface Came {
  readonly aor: string;
  readonly key: string;
  /** Names of flows that it may have had before, as they are known here. */
  readonly before: readonly string[];
  readonly flow: Flow;
}

export interface ProcessFlowsParts extends LinkedProcess {
  readonly processes: number;
  readonly link: {
    readonly others: readonly number[];
    send(process: number, frame: ProcessFrame, body?: Uint8Array, isLast?: boolean): boolean;
  };
  readonly scheduler: Scheduler;
  /** Messages a second that a flow's source may have passed on, and as many more that end something; undefined: as many as it sends, since it is a peer of ours; 0: it is banned. */
  readonly rateOf: (flow: Flow) => number | undefined;
  /** How a flow of an earlier run of this process is named. */
  readonly earlierFlowId: (run: string, flowId: string) => string;
  /** It came over a connection and cannot be passed on: its sender, which does not say it again, is to hear so. */
  readonly onRefused: (request: SipRequest, flow: Flow) => void;
  /** How many dialogs of ours go on over its flow. */
  readonly onCame: (came: Came) => number;
}

/** Who comes while a process is being started again is told of to that process when it is there. */
export const cameRecently: Millis = 60_000;
/** Phones on one flow that are told of again; beyond it the one that came first is not. */
export const mostOnOneFlow = 16;

/** Messages that came here and were another process's, and what was not passed on: over the rate of its source, or more than may wait. */
export interface PassedCounts {
  passed: number;
  /** Answered, since nobody says again what came over a connection. */
  refused: number;
  /** A datagram, which is said again; an ACK or a response, which cannot be answered; what a banned source says. */
  dropped: number;
}

/** No flow of our own has such an id. */
const prefix = 'process:';

/** Whether that is a flow of another process, in whatever run. */
export function isElsewhere(flowId: string): boolean {
  return flowId.startsWith(prefix);
}

interface Foreign {
  readonly flow: Flow;
  readonly process: number;
  readonly run: string;
  /** As its own process names it. */
  readonly name: string;
}

interface Arrival {
  readonly frame: Extract<ProcessFrame, { readonly type: 'came' }>;
  readonly at: Millis;
}

export class ProcessFlows implements Elsewhere, LinkEvents {
  readonly #parts: ProcessFlowsParts;
  /** Flows of others that are alive and of use to us, by their ids here. */
  readonly #foreign = new Map<string, Foreign>();
  /** Which processes have a use for a flow of ours. */
  readonly #watchers = new Map<string, Set<number>>();
  /** Of phones with connections here, by the flow and then by the phone. */
  readonly #arrivals = new Map<string, Map<string, Arrival>>();
  readonly counts: PassedCounts = { passed: 0, refused: 0, dropped: 0 };
  readonly #rates: PassRates;
  /** Of what ends something: a phone that hears 503 to its BYE takes the call to be over, which goes on at its owner. */
  readonly #lastRates: PassRates;
  readonly #setups: PassedSetups;
  #swept: Millis;
  #passedOn: PassedOn | undefined;

  constructor(parts: ProcessFlowsParts) {
    this.#parts = parts;
    this.#rates = new PassRates(parts.scheduler.clock);
    this.#lastRates = new PassRates(parts.scheduler.clock);
    this.#setups = new PassedSetups(parts.scheduler.clock);
    this.#swept = this.#now();
  }

  serve(passedOn: PassedOn): void {
    this.#passedOn = passedOn;
  }

  ownerOf(message: SipMessage, flow: Flow): number | undefined {
    const { process, processes } = this.#parts;
    const owner = ownerOf(message) ?? this.#setups.ownerOf(message, flow);
    return owner === undefined || owner === process || owner < 1 || owner > processes ? undefined : owner;
  }

  pass(owner: number, message: SipMessage, flow: Flow, bytes: Uint8Array): void {
    const { rateOf, link, onRefused } = this.#parts;
    const rate = rateOf(flow);
    const isLast = endsSomething(message);
    const rates = isLast ? this.#lastRates : this.#rates;
    const isAllowed = rate === undefined || rates.allows(flow.remote.address, rate);
    if (isAllowed && link.send(owner, { type: 'message', flow }, bytes, isLast)) {
      if (flow.reliable) this.#watch(flow.id, owner);
      this.#setups.passed(message, flow, owner);
      this.counts.passed += 1;
    } else if (rate !== 0 && flow.reliable && message.kind === 'request' && message.method !== 'ACK') {
      this.counts.refused += 1;
      onRefused(message, flow);
    } else {
      this.counts.dropped += 1;
    }
  }

  flowClosed({ id }: Flow): void {
    this.#arrivals.delete(id);
    const watchers = this.#watchers.get(id);
    this.#watchers.delete(id);
    for (const process of watchers ?? []) this.#tell(process, { type: 'closed', flow: id });
  }

  isAlive(flowId: string): boolean {
    return this.#foreign.has(flowId);
  }

  send(message: SipMessage, flow: Flow, bytes: Uint8Array, serves: boolean): TransportError | undefined {
    const foreign = this.#foreign.get(flow.id);
    if (foreign === undefined) return { code: 'flow-gone', detail: flow.id };
    const frame = { type: 'send', flow: foreign.name, serves } as const;
    const isSent = this.#parts.link.send(foreign.process, frame, bytes, endsSomething(message));
    if (!isSent) this.counts.dropped += 1;
    return isSent ? undefined : { code: 'overloaded', detail: `process ${foreign.process} takes no more` };
  }

  /** A phone has registered here: calls of it that others have go on over this flow. `before`: its flow until now, as it is named here. */
  came(phone: { readonly aor: string; readonly key: string; readonly before: FlowName | undefined }, flow: Flow): void {
    // Where a phone with datagrams is, each process knows by itself; only a change of it is news.
    if (!flow.reliable && phone.before === undefined) return;
    const frame = { type: 'came', flow, ...phone } as const;
    if (flow.reliable) {
      this.#sweep();
      const arrivals = this.#arrivals.get(flow.id) ?? new Map<string, Arrival>();
      const name = `${phone.aor} ${phone.key}`;
      arrivals.delete(name);
      this.#arrivals.set(flow.id, arrivals.set(name, { frame, at: this.#now() }));
      const [oldest] = arrivals.keys();
      if (arrivals.size > mostOnOneFlow && oldest !== undefined) arrivals.delete(oldest);
    }
    for (const process of this.#parts.link.others) this.#tell(process, frame);
  }

  onFrame(from: LinkedProcess, frame: ProcessFrame, body: Uint8Array): void {
    switch (frame.type) {
      case 'message':
        this.#passedOn?.take(body, this.#here(from, frame.flow));
        break;
      case 'send':
        if (this.#passedOn?.relay(frame.flow, body, frame.serves) === false) this.#gone(from.process, frame.flow);
        break;
      case 'watch':
        this.#watch(frame.flow, from.process);
        // It may have closed on the way.
        if (this.#passedOn?.isOpen(frame.flow) === false) this.#gone(from.process, frame.flow);
        break;
      case 'closed':
        this.#lose(foreignId({ ...from, flow: frame.flow }));
        break;
      case 'came':
        this.#onCame(from, frame);
        break;
      default:
    }
  }

  onReached(process: number): void {
    const since = this.#now() - cameRecently;
    for (const [flowId, arrivals] of this.#arrivals) {
      const isWatched = this.#watchers.get(flowId)?.has(process) === true;
      for (const { frame, at } of arrivals.values()) {
        if (isWatched || at > since) this.#tell(process, frame);
      }
    }
  }

  onGone({ process, run }: LinkedProcess): void {
    for (const [id, foreign] of [...this.#foreign]) {
      if (foreign.process === process && foreign.run === run) this.#lose(id);
    }
  }

  #onCame(from: LinkedProcess, { flow, aor, key, before }: Arrival['frame']): void {
    const { onCame } = this.#parts;
    const own = { ...from, flow: flow.id };
    const wasKnown = this.#foreign.has(foreignId(own));
    const here = this.#here(from, flow);
    const names = before === undefined ? [] : [this.#nameOf(before)];
    // A process that was started again has dialogs on the very flow.
    if (flow.reliable && !wasKnown) names.push(here.id);
    const moved = onCame({ aor, key, before: names, flow: here });
    if (!flow.reliable || wasKnown) return;
    if (moved > 0) this.#tell(from.process, { type: 'watch', flow: flow.id });
    else this.#foreign.delete(here.id);
  }

  /** A flow of another process as it is known here; alive, since something came over it. */
  #here({ process, run }: LinkedProcess, flow: Flow): Flow {
    if (!flow.reliable) return flow;
    const id = foreignId({ process, run, flow: flow.id });
    const known = this.#foreign.get(id)?.flow;
    if (known !== undefined) return known;
    const here = { ...flow, id };
    this.#foreign.set(id, { flow: here, process, run, name: flow.id });
    return here;
  }

  #nameOf(name: FlowName): string {
    const { process, run, earlierFlowId } = this.#parts;
    if (name.process !== process) return foreignId(name);
    return name.run === run ? name.flow : earlierFlowId(name.run, name.flow);
  }

  #watch(flowId: string, process: number): void {
    const watchers = this.#watchers.get(flowId);
    if (watchers === undefined) this.#watchers.set(flowId, new Set([process]));
    else watchers.add(process);
  }

  #gone(process: number, flow: string): void {
    this.#watchers.get(flow)?.delete(process);
    if (this.#watchers.get(flow)?.size === 0) this.#watchers.delete(flow);
    this.#tell(process, { type: 'closed', flow });
  }

  #tell(process: number, frame: ProcessFrame): void {
    if (!this.#parts.link.send(process, frame)) this.counts.dropped += 1;
  }

  /** Now and then: who came long ago, over a flow that nobody else has a use for, is not told of again. */
  #sweep(): void {
    const now = this.#now();
    if (now - this.#swept < cameRecently) return;
    this.#swept = now;
    for (const [flowId, arrivals] of this.#arrivals) {
      if (this.#watchers.has(flowId)) continue;
      for (const [name, { at }] of arrivals) if (now - at >= cameRecently) arrivals.delete(name);
      if (arrivals.size === 0) this.#arrivals.delete(flowId);
    }
  }

  #lose(id: string): void {
    const foreign = this.#foreign.get(id);
    this.#foreign.delete(id);
    if (foreign !== undefined) this.#passedOn?.gone(foreign.flow);
  }

  #now(): Millis {
    return this.#parts.scheduler.clock.now();
  }
}

/** Without it a call, or a transaction, would go on that one side takes to be over. */
function endsSomething(message: SipMessage): boolean {
  return message.kind === 'response' ? message.status >= 200 : last.has(message.method);
}

const last: ReadonlySet<string> = new Set(['BYE', 'CANCEL', 'ACK']);

function foreignId({ process, run, flow }: FlowName): string {
  return `${prefix}${process}:${run}:${flow}`;
}
