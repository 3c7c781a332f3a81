// Sockets that are not there: what is sent is recorded, what comes in is injected, and sending fails when told to.
import type { SipMessage, SipRequest, SipResponse } from '../../src/sip/message/message.ts';
import type {
  Destination,
  Flow,
  SipTransport,
  TransportError,
  TransportEvents,
  TransportName,
} from '../../src/sip/transport/transport.ts';

export interface Sent {
  readonly message: SipMessage;
  readonly to: Destination;
}

export type SendResult = (error: TransportError | undefined, flow: Flow | undefined) => void;

export class FakeTransport implements SipTransport {
  /** Everything that was sent, oldest first, what failed too; `take` empties it. */
  sent: Sent[] = [];
  /** While set, every send fails with it. */
  failure: TransportError | undefined;
  /** While set, every send over TCP fails. */
  hasNoTcp = false;
  /** While true, results wait for `release`, as those of real sockets do. */
  holdsResults = false;
  readonly #events: TransportEvents | undefined;
  readonly #dead = new Set<string>();
  #held: (() => void)[] = [];

  /** `events` is who hears what is injected. */
  constructor(events?: TransportEvents) {
    this.#events = events;
  }

  send(message: SipMessage, to: Destination, onResult: SendResult): void {
    this.sent.push({ message, to });
    const flow = to.kind === 'flow' ? to.flow : flowTo(to);
    const refused =
      this.hasNoTcp && flow.transport === 'tcp' ? { code: 'connect-failed', detail: flow.id } : this.failure;
    const error = this.isAlive(flow) ? refused : { code: 'flow-gone', detail: flow.id };
    const tell = (): void => onResult(error, error === undefined ? flow : undefined);
    if (this.holdsResults) this.#held.push(tell);
    else tell();
  }

  reliable(to: Destination): boolean {
    return transportOf(to) !== 'udp';
  }

  viaFor(to: Destination): { readonly transport: TransportName; readonly sentBy: string } {
    return { transport: transportOf(to), sentBy: `${listenerOf(to)}.sbc.test:5060` };
  }

  contactFor(to: Destination, user?: string): string {
    const name = user === undefined ? '' : `${user}@`;
    return `<sip:${name}${listenerOf(to)}.sbc.test:5060;transport=${transportOf(to)}>`;
  }

  isAlive(flow: Flow): boolean {
    return !this.#dead.has(flow.id);
  }

  /** What was sent since the last call. */
  take(): readonly Sent[] {
    const sent = this.sent;
    this.sent = [];
    return sent;
  }

  /** The one message that was sent since the last call. Throws when there is none or more. */
  takeOnly(): SipMessage {
    const sent = this.take();
    const [only] = sent;
    if (only === undefined || sent.length > 1) {
      throw new Error(
        `expected one message, got ${sent.map(({ message }) => summaryOf(message)).join(', ') || 'none'}`,
      );
    }
    return only.message;
  }

  takeRequest(): SipRequest {
    const message = this.takeOnly();
    if (message.kind !== 'request') throw new Error(`expected a request, got ${summaryOf(message)}`);
    return message;
  }

  takeResponse(): SipResponse {
    const message = this.takeOnly();
    if (message.kind !== 'response') throw new Error(`expected a response, got ${summaryOf(message)}`);
    return message;
  }

  /** `INVITE`, `200 INVITE` … of what was sent since the last call. */
  takeSummaries(): readonly string[] {
    return this.take().map(({ message }) => summaryOf(message));
  }

  inject(message: SipMessage, flow: Flow): void {
    this.#events?.onMessage(message, flow, noBytes);
  }

  close(flow: Flow): void {
    this.#dead.add(flow.id);
    this.#events?.onFlowClosed(flow);
  }

  /** Delivers the results that were held back. */
  release(): void {
    const held = this.#held;
    this.#held = [];
    for (const tell of held) tell();
  }
}

/** A flow from 198.51.100.1:5060 to our 192.0.2.1:5060, but for what `options` say. */
export function fakeFlow(options: Partial<Flow> = {}): Flow {
  const transport = options.transport ?? 'udp';
  const listener = options.listener ?? 'phones';
  const remote = options.remote ?? { address: '198.51.100.1', port: 5060 };
  return {
    id: `${listener}/${transport}/${remote.address}:${remote.port}`,
    listener,
    network: 'outside',
    transport,
    reliable: transport !== 'udp',
    secure: transport === 'tls',
    local: { address: '192.0.2.1', port: 5060 },
    remote,
    peerNames: [],
    ...options,
  };
}

/** 10.0.0.5:5060 from the listener `to-pbx` over UDP, but for what `options` say. */
export function nextHop(
  options: Partial<Destination & { readonly kind: 'next-hop' }> = {},
): Destination & { readonly kind: 'next-hop' } {
  return { kind: 'next-hop', listener: 'to-pbx', transport: 'udp', host: '10.0.0.5', port: 5060, ...options };
}

/** `INVITE` or `200 INVITE`. */
export function summaryOf(message: SipMessage): string {
  if (message.kind === 'request') return message.method;
  const method = message.headers.get('CSeq')?.split(' ').at(-1);
  return `${message.status} ${method}`;
}

/** The flow that a message to this next hop goes over. */
export function flowTo(to: Destination & { readonly kind: 'next-hop' }): Flow {
  return fakeFlow({
    listener: to.listener,
    network: 'inside',
    transport: to.transport,
    remote: { address: to.host, port: to.port },
  });
}

function transportOf(to: Destination): TransportName {
  return to.kind === 'flow' ? to.flow.transport : to.transport;
}

function listenerOf(to: Destination): string {
  return to.kind === 'flow' ? to.flow.listener : to.listener;
}

/** What nobody here keeps. */
const noBytes = new Uint8Array(0);
