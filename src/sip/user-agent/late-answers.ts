// What is left of an INVITE of ours when its sessions are over (RFC 3261 §13.2.2.4, RFC 6026 §8.4): a 2xx of one of them that comes again
// is acknowledged again, one of another fork is acknowledged and ended.
import { token } from '../../core/random.ts';
import { Dialog, dialogKey, establishedDialog } from '../dialog/dialog.ts';
import { essentialsOf } from '../message/header-fields.ts';
import type { SipResponse } from '../message/message.ts';
import type { Flow } from '../transport/transport.ts';
import type { UserAgentGround } from './ground.ts';
import { InviteSession } from './invite-session.ts';
import { ignoring } from './no-owner.ts';
import type { SessionParts } from './session-parts.ts';
import { dialogHop } from './target-hop.ts';

/** 2xx of more forks than this are left to time out at their ends. */
export const maxForks = 16;

export class LateAnswers {
  readonly #ground: UserAgentGround;
  readonly #parts: SessionParts;
  /** To-tags of the sessions that were. */
  readonly #tags: string[];

  /** `parts` are those of any of the sessions. */
  constructor(ground: UserAgentGround, parts: SessionParts, tags: Iterable<string>) {
    this.#ground = ground;
    this.#parts = parts;
    this.#tags = [...tags];
  }

  readonly take = (response: SipResponse, flow: Flow): void => {
    const state = establishedDialog(this.#parts.dialog, response);
    if (!state.ok) return;
    const { sequence } = essentialsOf(response).cseq;
    const { callId, localTag, remoteTag } = state.value;
    if (this.#tags.includes(remoteTag)) {
      const dialog = new Dialog(state.value);
      const hop = dialogHop(this.#parts, flow, dialog, this.#ground.transport);
      this.#ground.layer.sendAck(dialog.ack(sequence), hop);
    } else if (this.#tags.length < maxForks && !this.#ground.dialogs.has(dialogKey(callId, localTag, remoteTag))) {
      this.#tags.push(remoteTag);
      const parts = { ...this.#parts, id: token(this.#ground.random, 8), dialog: state.value, flow, timer: undefined };
      const session = new InviteSession(this.#ground, parts, ignoring);
      session.accepted(sequence);
      session.ack();
      session.bye();
    }
  };
}
