// A dialog that a SUBSCRIBE makes (RFC 6665 §4.4.1): requests of ours in it and of the peer's, over the peer's flow. That of a
// SUBSCRIBE of ours is there, without a remote tag, before the peer has said anything: its NOTIFY may come first.
import { Dialog, type DialogState, dialogKey, establishedDialog } from '../dialog/dialog.ts';
import { Headers } from '../message/headers.ts';
import { responseTo, type SipMessage, type SipRequest, type SipResponse } from '../message/message.ts';
import type { Destination, Flow } from '../transport/transport.ts';
import { allowedMethods, capabilities } from './allowed-methods.ts';
import { AuthenticatedRequest, type AuthenticatedRequestHandlers } from './authenticated-request.ts';
import type { DialogParty, UserAgentGround } from './ground.ts';
import type { Body, ChallengeAnswerer, Identity } from './session.ts';
import { dialogHop } from './target-hop.ts';

export interface EventDialogParts {
  readonly state: DialogState;
  readonly peer: Identity;
  readonly flow: Flow | undefined;
  readonly hop: Destination;
  readonly followTarget: boolean;
  readonly contactUser: string | undefined;
  readonly credentials: ChallengeAnswerer | undefined;
  /** The one method that is served in it. */
  readonly method: 'SUBSCRIBE' | 'NOTIFY';
  readonly onRequest: (request: SipRequest, answer: (response: SipResponse) => void) => void;
  readonly onRehomed?: (flow: Flow) => void;
}

export class EventDialog implements DialogParty {
  readonly #ground: UserAgentGround;
  readonly #parts: EventDialogParts;
  #dialog: Dialog;
  #flow: Flow | undefined;

  constructor(ground: UserAgentGround, parts: EventDialogParts) {
    this.#ground = ground;
    this.#parts = parts;
    this.#dialog = new Dialog(parts.state);
    this.#flow = parts.flow;
    ground.dialogs.set(this.#dialog.key, this);
  }

  get state(): DialogState {
    return this.#dialog.state;
  }

  get peer(): Identity {
    return this.#parts.peer;
  }

  get flow(): Flow | undefined {
    return this.#flow;
  }

  get carried(): Headers {
    return Headers.empty;
  }

  get isEstablished(): boolean {
    return this.#dialog.state.remoteTag !== '';
  }

  get destination(): Destination {
    const { hop, followTarget } = this.#parts;
    const parts = { hop, followTarget: followTarget && this.isEstablished };
    return dialogHop(parts, this.#flow, this.#dialog, this.#ground.transport);
  }

  get contact(): string {
    return this.#ground.transport.contactFor(this.destination, this.#parts.contactUser);
  }

  send(
    method: 'SUBSCRIBE' | 'NOTIFY',
    { headers, body }: { readonly headers: Headers; readonly body?: Body | undefined },
    handlers: AuthenticatedRequestHandlers,
  ): void {
    new AuthenticatedRequest(this.#ground, this.#parts.credentials, handlers).send(
      () => this.#dialog.request(method, { contact: this.contact, headers, body }),
      this.destination,
    );
  }

  /** What the peer said first makes it a dialog: its NOTIFY, or its 2xx. False when that is of another one (§4.1.4: a fork). */
  establish(message: SipMessage, flow: Flow | undefined): boolean {
    const state = establishedDialog(this.#dialog.state, message);
    if (!state.ok) return false;
    if (this.isEstablished) return state.value.remoteTag === this.#dialog.state.remoteTag;
    this.#ground.dialogs.delete(this.#dialog.key);
    this.#dialog = new Dialog(state.value);
    this.#flow = flow ?? this.#flow;
    this.#ground.dialogs.set(this.#dialog.key, this);
    return true;
  }

  close(): void {
    if (this.#ground.dialogs.get(this.#dialog.key) === this) this.#ground.dialogs.delete(this.#dialog.key);
  }

  onRequest(request: SipRequest, answer: (response: SipResponse) => void): void {
    if (!this.isEstablished && !this.establish(request, undefined)) answer(responseTo(request, 400));
    else if (!this.#dialog.accept(request)) answer(responseTo(request, 500));
    else if (request.method === this.#parts.method) {
      // Both methods are target refreshes (§4.1.2.2, §4.2.1.1 by way of RFC 3261 §12.2).
      this.#dialog.refreshTarget(request);
      this.#parts.onRequest(request, answer);
    } else if (request.method === 'OPTIONS')
      answer(responseTo(request, 200, { headers: capabilities(this.#ground.sessionTimers()) }));
    else answer(responseTo(request, 405, { headers: Headers.of(['Allow', allowedMethods]) }));
  }

  onAck(): void {
    // Nobody invites anybody in it.
  }

  onCancel(): void {
    // No request of it can be cancelled.
  }

  rehome(flow: Flow): void {
    this.#flow = flow;
    this.#parts.onRehomed?.(flow);
  }
}

/** The key of a dialog that a peer has said nothing in yet. */
export function halfDialogKey(callId: string, localTag: string): string {
  return dialogKey(callId, localTag, '');
}
