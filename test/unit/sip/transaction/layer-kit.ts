// A transaction layer on fake time and a fake transport, with a user that notes what it hears.
import { expect } from 'vitest';
import { silentLogger } from '../../../../src/core/logger.ts';
import type { SipRequest, SipResponse } from '../../../../src/sip/message/message.ts';
import {
  type ClientHandlers,
  type ClientTransaction,
  type ServerTransaction,
  TransactionLayer,
  type TransactionUser,
} from '../../../../src/sip/transaction/transaction-layer.ts';
import type { TransactionLimits } from '../../../../src/sip/transaction/transaction-limits.ts';
import type { Destination, Flow, TransportError } from '../../../../src/sip/transport/transport.ts';
import { FakeScheduler, SeededRandom } from '../../../support/fake-time.ts';
import { FakeTransport, fakeFlow, summaryOf } from '../../../support/fake-transport.ts';

export class LayerKit implements TransactionUser {
  readonly scheduler = new FakeScheduler();
  readonly transport = new FakeTransport();
  readonly layer: TransactionLayer;
  /** What the transaction user heard, oldest first. */
  heard: string[] = [];
  readonly servers: ServerTransaction[] = [];
  /** Runs inside `onRequest`, after it was noted. */
  answer: ((transaction: ServerTransaction) => void) | undefined;

  constructor(limits?: TransactionLimits) {
    this.layer = new TransactionLayer({
      scheduler: this.scheduler,
      transport: this.transport,
      random: new SeededRandom(7),
      logger: silentLogger,
      user: this,
      ...(limits !== undefined && { limits }),
    });
  }

  onRequest(request: SipRequest, transaction: ServerTransaction): void {
    this.heard.push(`request ${request.method}`);
    this.servers.push(transaction);
    transaction.onEnded = (end) => this.heard.push(`ended ${end}`);
    transaction.onTransportError = ({ code }) => this.heard.push(`transport-error ${code}`);
    this.answer?.(transaction);
  }

  onCancel(invite: ServerTransaction): void {
    this.heard.push(`cancel ${invite.id}`);
  }

  onAck(_ack: SipRequest, flow: Flow): void {
    this.heard.push(`ack over ${flow.id}`);
  }

  onStrayResponse(response: SipResponse): void {
    this.heard.push(`stray ${summaryOf(response)}`);
  }

  takeHeard(): readonly string[] {
    const { heard } = this;
    this.heard = [];
    return heard;
  }

  /** The latest server transaction. */
  get server(): ServerTransaction {
    const server = this.servers.at(-1);
    if (server === undefined) throw new Error('no server transaction');
    return server;
  }

  receive(message: SipRequest | SipResponse, flow: Flow = udpFlow): void {
    this.layer.receive(message, flow);
  }

  /** Sends a request through the layer; what becomes of it is noted in `heard`. */
  request(request: SipRequest, to: Destination, more: Partial<ClientHandlers> = {}): ClientTransaction {
    return this.layer.request(request, to, { ...this.noting(), ...more });
  }

  noting(): Required<ClientHandlers> {
    return {
      onResponse: (response) => this.heard.push(`response ${summaryOf(response)}`),
      onTimeout: () => this.heard.push('timeout'),
      onTransportError: ({ code }: TransportError) => this.heard.push(`transport-error ${code}`),
      onTerminated: () => this.heard.push('terminated'),
    };
  }

  /** Nothing runs, nothing waits. */
  expectEmpty(): void {
    expect(this.layer).toMatchObject({ active: 0, lingering: 0 });
    expect(this.scheduler.pending).toBe(0);
  }
}

export const udpFlow: Flow = fakeFlow();
export const tlsFlow: Flow = fakeFlow({ transport: 'tls' });
