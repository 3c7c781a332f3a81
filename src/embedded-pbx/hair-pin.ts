// A call to a name goes back to the SBC that it came from: two dialogs, one body passed through both ways.
import { essentialsOf } from '../sip/message/header-fields.ts';
import { Headers } from '../sip/message/headers.ts';
import type { SipMessage } from '../sip/message/message.ts';
import { formatNameAddr } from '../sip/message/name-addr.ts';
import { formatUri, noParameters } from '../sip/message/uri.ts';
import type {
  Body,
  CallFailure,
  CallMaker,
  IncomingCall,
  IncomingReinvite,
  OutgoingCall,
  Session,
  SessionHandlers,
} from '../sip/user-agent/session.ts';
import type { PbxCall } from './extension-call.ts';

export interface HairPinParts {
  readonly userAgent: CallMaker;
  /** The listener that the call came in on. */
  readonly listener: string;
}

/** Without Max-Forwards a request may take this many hops (RFC 3261 §8.1.1.6). */
const defaultMaxForwards = 70;

export class HairPin implements PbxCall {
  readonly #parts: HairPinParts;
  readonly #call: IncomingCall;
  readonly #onEnded: () => void;
  #outgoing: OutgoingCall | undefined;
  #caller: Session | undefined;
  #callee: Session | undefined;
  #isOver = false;
  /** Waits for the ACK that answers an offer of the other side. */
  #ackTo: Session | undefined;

  constructor(call: IncomingCall, parts: HairPinParts, onEnded: () => void) {
    this.#call = call;
    this.#parts = parts;
    this.#onEnded = onEnded;
    const giveUp = (): void => this.#giveUp();
    call.handlers = { onCancelled: giveUp, onFlowLost: giveUp, onSilent: giveUp };
  }

  /** Calls `user` at the address that the call came from. */
  begin(user: string): void {
    const { request, flow } = this.#call;
    const { address: host, port } = flow.remote;
    const { from, maxForwards = defaultMaxForwards } = essentialsOf(request);
    if (maxForwards === 0) {
      this.#refuse(483);
      return;
    }
    const target = formatUri({ scheme: 'sip', user, host, port, parameters: noParameters });
    const asserted = request.headers.all('P-Asserted-Identity').map((value) => ['P-Asserted-Identity', value] as const);
    this.#outgoing = this.#parts.userAgent.invite(
      {
        destination: { kind: 'next-hop', listener: this.#parts.listener, transport: 'udp', host, port },
        requestUri: target,
        from: formatNameAddr({ ...from, parameters: noParameters }),
        to: `<${target}>`,
        contactUser: user,
        headers: Headers.of(['Max-Forwards', String(maxForwards - 1)], ...asserted),
        body: bodyOf(request),
        peer: this.#call.identity,
      },
      {
        session: this.#handlers('callee'),
        onProvisional: (response) => this.#call.progress(response.status, { body: bodyOf(response) }),
        onAnswered: (session, response) => this.#answered(session, bodyOf(response)),
        onFailed: (failure) => this.#failed(failure),
      },
    );
  }

  end(): void {
    if (this.#callee === undefined) {
      this.#outgoing?.cancel();
      this.#refuse(480);
      return;
    }
    this.#caller?.bye();
    this.#callee.bye();
  }

  #answered(session: Session, body: Body | undefined): void {
    this.#callee = session;
    if (this.#isOver) {
      session.ack();
      session.bye();
      return;
    }
    if (this.#call.request.body.length > 0) session.ack();
    else this.#ackTo = session;
    this.#caller = this.#call.answer({ body }, this.#handlers('caller'));
  }

  #failed(failure: CallFailure): void {
    this.#refuse(failure.cause === 'response' ? failure.status : 480);
  }

  #handlers(leg: 'caller' | 'callee'): SessionHandlers {
    const other = (): Session | undefined => (leg === 'caller' ? this.#callee : this.#caller);
    return {
      onReinvite: (reinvite) => this.#onReinvite(reinvite, other()),
      onAck: (body) => {
        this.#ackTo?.ack(body);
        this.#ackTo = undefined;
      },
      onEnded: (_cause, request) => {
        const reason = request?.headers.get('Reason');
        other()?.bye(reason === undefined ? Headers.empty : Headers.of(['Reason', reason]));
        this.#over();
      },
    };
  }

  #onReinvite(reinvite: IncomingReinvite, other: Session | undefined): void {
    if (other === undefined) {
      reinvite.reject(491);
      return;
    }
    const offer = bodyOf(reinvite.request);
    other.reinvite(offer, {
      onAnswered: (response) => {
        if (offer === undefined) this.#ackTo = other;
        else other.ack();
        reinvite.accept({ body: bodyOf(response) });
      },
      onFailed: ({ cause, status }) => reinvite.reject(cause === 'response' ? status : 488),
    });
  }

  #giveUp(): void {
    this.#outgoing?.cancel();
    this.#over();
  }

  #refuse(status: number): void {
    if (this.#isOver) return;
    this.#call.reject(status);
    this.#over();
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onEnded();
  }
}

function bodyOf({ body, headers }: SipMessage): Body | undefined {
  return body.length === 0 ? undefined : { contentType: headers.get('Content-Type') ?? '', bytes: body };
}
