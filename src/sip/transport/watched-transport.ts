// A transport that shows what is sent through it to somebody who only looks on.
import type { SipMessage } from '../message/message.ts';
import type { Destination, Flow, SipTransport, TransportError, TransportName } from './transport.ts';

export class WatchedTransport implements SipTransport {
  readonly #transport: SipTransport;
  readonly #onSend: (message: SipMessage, to: Destination) => void;

  constructor(transport: SipTransport, onSend: (message: SipMessage, to: Destination) => void) {
    this.#transport = transport;
    this.#onSend = onSend;
  }

  send(
    message: SipMessage,
    to: Destination,
    onResult: (error: TransportError | undefined, flow: Flow | undefined) => void,
  ): void {
    this.#onSend(message, to);
    this.#transport.send(message, to, onResult);
  }

  reliable(to: Destination): boolean {
    return this.#transport.reliable(to);
  }

  viaFor(to: Destination): { readonly transport: TransportName; readonly sentBy: string } {
    return this.#transport.viaFor(to);
  }

  contactFor(to: Destination, user?: string): string {
    return this.#transport.contactFor(to, user);
  }

  isAlive(flow: Flow): boolean {
    return this.#transport.isAlive(flow);
  }
}
