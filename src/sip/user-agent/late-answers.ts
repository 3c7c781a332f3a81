// What is left of an INVITE of ours when its sessions are over (RFC 3261 §13.2.2.4, RFC 6026 §8.4): for a 2xx of one of them that comes again its
// ACK is sent again, as it was and where it went; one of another fork is acknowledged and ended. Nothing of a message's text is kept.
import { ownText } from '../../core/own-text.ts';
import { token } from '../../core/random.ts';
import { type DialogState, dialogKey, uacDialog } from '../dialog/dialog.ts';
import { essentialsOf } from '../message/header-fields.ts';
import { Headers } from '../message/headers.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import type { Destination, Flow } from '../transport/transport.ts';
import type { UserAgentGround } from './ground.ts';
import type { SentAck } from './invite-acks.ts';
import { InviteSession } from './invite-session.ts';
import { ignoring } from './no-owner.ts';
import type { SessionParts } from './session-parts.ts';

/** 2xx of more forks than this are left to time out at their ends. */
export const maxForks = 16;

export class LateAnswers {
  readonly #ground: UserAgentGround;
  /** What the INVITE gives to each dialog. */
  readonly #half: DialogState;
  readonly #parts: Pick<SessionParts, 'peer' | 'hop' | 'followTarget' | 'contactUser' | 'credentials'>;
  /** By To-tag, of the sessions that were. */
  readonly #acks = new Map<string, SentAck>();

  constructor(
    ground: UserAgentGround,
    half: DialogState,
    { peer, hop, followTarget, contactUser, credentials }: SessionParts,
    sessions: ReadonlyMap<string, InviteSession>,
  ) {
    this.#ground = ground;
    this.#half = {
      ...half,
      localAddress: ownText(half.localAddress),
      remoteAddress: ownText(half.remoteAddress),
      remoteTarget: ownText(half.remoteTarget),
    };
    this.#parts = { peer, hop, followTarget, contactUser, credentials };
    for (const [tag, session] of sessions) this.#note(tag, session);
  }

  readonly take = (response: SipResponse, flow: Flow): void => {
    const tag = essentialsOf(response).toTag ?? '';
    const { callId, localTag } = this.#half;
    const known = this.#acks.get(tag);
    if (known !== undefined) this.#ground.layer.sendAck(known.ack, known.hop);
    else if (this.#acks.size < maxForks && !this.#ground.dialogs.has(dialogKey(callId, localTag, tag))) {
      this.#end(response, flow);
    }
  };

  /** Of another fork: it has no owner. */
  #end(response: SipResponse, flow: Flow): void {
    const dialog = uacDialog(this.#half, response);
    if (!dialog.ok) return;
    const own = {
      id: token(this.#ground.random, 8),
      dialog: dialog.value,
      flow,
      allowsUpdate: false,
      timer: undefined,
    };
    const session = new InviteSession(this.#ground, { ...this.#parts, ...own }, ignoring);
    session.accepted(this.#half.localSequence);
    session.ack();
    this.#note(dialog.value.remoteTag, session);
    session.bye();
  }

  #note(tag: string, session: InviteSession): void {
    const { ack, hop } = session.ackOf(this.#half.localSequence);
    this.#acks.set(ownText(tag), { ack: ownRequest(ack), hop: ownHop(hop) });
  }
}

function ownRequest(request: SipRequest): SipRequest {
  const fields = [...request.headers].map(([name, value]): [string, string] => [name, ownText(value)]);
  return { ...request, uri: ownText(request.uri), headers: Headers.of(...fields), body: Uint8Array.from(request.body) };
}

function ownHop(hop: Destination): Destination {
  return hop.kind === 'flow' ? hop : { ...hop, host: ownText(hop.host) };
}
